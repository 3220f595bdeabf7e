# Texts of VietQR written and read by PyPI's vietnam-qr-pay.

import json
import sys

from vietnam_qr_pay import QRPay
from vietnam_qr_pay.constants import VietQRService

SERVICES = {service.value: service for service in VietQRService}


def written(bin, account, service, once, amount, purpose):
    qr = QRPay.init_viet_qr(bin, account, amount=amount, purpose=purpose, service=SERVICES[service])
    qr.init_method = "12" if once else "11"
    return qr.build()


def read(text):
    qr = QRPay(text)
    if not qr.is_valid:
        return None
    return {
        "bin": qr.consumer.bank_bin,
        "account": qr.consumer.bank_number,
        "service": qr.provider.service,
        "once": qr.init_method == "12",
        "amount": qr.amount,
        "purpose": qr.additional_data.purpose,
    }


WISHES = {
    "write": lambda all: [written(**one) for one in all],
    "read": lambda all: [read(one) for one in all],
}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        said = {"value": WISHES[asked["wish"]](**asked["given"])}
    except Exception as error:
        said = {"error": f"{type(error).__name__} | {error}"}
    print(json.dumps(said), flush=True)
