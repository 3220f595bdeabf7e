//! Prints how long SOAP envelopes of 1, 10 and 100 KB take to become JSON: microseconds, the best of several rounds.
//!
//! `cargo run --release -p lgsp-contract --example xml_rate`. The envelopes are made up: persons as a population
//! service returns them.

use std::hint::black_box;
use std::time::Instant;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Many short rounds: the best one was not interrupted.
const ROUNDS: usize = 400;

const NAMESPACE: &str = "http://www.mic.gov.vn/dancu/1.0";

const PERSON: &str = "<ns1:CongDan><ns1:SoDinhDanh>000000000001</ns1:SoDinhDanh>\
    <ns1:HoVaTen><ns1:Ho>Nguyễn</ns1:Ho><ns1:ChuDem>Thị</ns1:ChuDem><ns1:Ten>Thử &amp; Nghiệm</ns1:Ten></ns1:HoVaTen>\
    <ns1:NgayThangNamSinh><ns1:NgayThangNam>19000101</ns1:NgayThangNam></ns1:NgayThangNamSinh>\
    <ns1:GioiTinh>2</ns1:GioiTinh><ns1:DanToc>01</ns1:DanToc><ns1:TonGiao>00</ns1:TonGiao>\
    <ns1:ThuongTru loai=\"1\"><ns1:MaTinhThanh>01</ns1:MaTinhThanh><ns1:MaPhuongXa>00001</ns1:MaPhuongXa>\
    <ns1:ChiTiet>Số 1, đường Thử Nghiệm</ns1:ChiTiet><ns1:QuocGia>VN</ns1:QuocGia></ns1:ThuongTru>\n</ns1:CongDan>\n";

fn envelope(bytes: usize) -> String {
    let persons = PERSON.repeat((bytes / PERSON.len()).max(1));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Header/><soapenv:Body>\
         <ns1:CongdanCollection xmlns:ns1=\"{NAMESPACE}\">{persons}</ns1:CongdanCollection>\
         </soapenv:Body></soapenv:Envelope>"
    )
}

fn main() {
    for kib in [1, 10, 100] {
        let text = envelope(kib << 10);
        let repeats = 100 / kib + 1;
        let best = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..repeats {
                    let json = lgsp_contract::xml_to_json(black_box(text.as_bytes()), None, Some(NAMESPACE));
                    black_box(json.expect("well-formed"));
                }
                start.elapsed().as_secs_f64() * 1e6 / repeats as f64
            })
            .fold(f64::INFINITY, f64::min);
        println!("{:6} bytes  XML to JSON {best:7.1} µs", text.len());
    }
}
