//! Full dossier records of about 1.2 KB with varied content, and progress of time among them. Made up from other words than
//! the shipped examples, so that compression is not flattered.

const FAMILY: [&str; 14] =
    ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lò", "Quàng"];
const MIDDLE: [&str; 12] = ["Văn", "Thị", "Đức", "Minh", "Thu", "Quốc", "Ngọc", "Thanh", "Hữu", "Xuân", "Kim", "Bảo"];
const GIVEN: [&str; 20] = [
    "An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Hải", "Hạnh", "Khánh", "Lan", "Linh", "Long", "Mai", "Nam", "Phúc",
    "Quân", "Sơn", "Thảo", "Trang", "Yến",
];
const WORK: [(&str, &str, &str, &str); 8] = [
    ("1.004873", "Cấp giấy xác nhận tình trạng hôn nhân", "G11-TP05", "Hộ tịch"),
    ("1.001612", "Đăng ký thành lập hộ kinh doanh", "G10-KH06", "Thành lập và hoạt động của hộ kinh doanh"),
    ("2.001810", "Giải thể trường mẫu giáo, trường mầm non, nhà trẻ", "G03-GD01", "Giáo dục mầm non"),
    ("1.003554", "Hoà giải tranh chấp đất đai", "G15-TN01", "Đất đai"),
    ("1.001776", "Thực hiện, điều chỉnh, thôi hưởng trợ cấp xã hội hằng tháng", "G09-LĐ03", "Bảo trợ xã hội"),
    ("1.009994", "Cấp giấy phép xây dựng nhà ở riêng lẻ", "G17-XD07", "Hoạt động xây dựng"),
    ("1.002192", "Cấp giấy chứng sinh cho trẻ em sinh ra tại nhà", "G18-YT12", "Dân số"),
    ("2.000794", "Công nhận câu lạc bộ thể thao cơ sở", "G05-VH09", "Thể dục thể thao"),
];
const PLACE: [&str; 8] = [
    "UBND xã Thanh Nưa",
    "UBND phường Mường Thanh",
    "UBND xã Tủa Chùa",
    "UBND xã Nà Hỳ",
    "UBND phường Hạc Thành",
    "UBND xã Cẩm Thạch",
    "UBND phường Sầm Sơn",
    "UBND xã Như Xuân",
];
const ALLEY: [&str; 8] =
    ["Bế Văn Đàn", "Tô Vĩnh Diện", "Trường Chinh", "Lê Lợi", "Hàm Nghi", "Quang Trung", "Đông Hải", "Sùng Phái Sinh"];

/// A small generator of numbers: the same sequence for the same seed (xorshift64*).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[(self.next() >> 33) as usize % list.len()]
    }

    fn digits(&mut self, count: u32) -> String {
        format!("{:0width$}", (self.next() >> 8) % 10u64.pow(count), width = count as usize)
    }
}

/// The code of the `n`th dossier: many agencies, days and running numbers, as a province has them.
pub(crate) fn code(n: u64) -> String {
    let (agency, day, number) = (n % 40, n / 40 % 300, n / 12_000);
    format!("H56.{:02}-26{:02}{:02}-{:05}", agency + 1, day / 28 + 1, day % 28 + 1, number + 1)
}

/// The `n`th dossier's first record.
pub(crate) fn record(n: u64) -> String {
    let mut numbers = Numbers::new(n + 1);
    record_with_code(&code(n), &mut numbers)
}

/// A record with this code and everything else drawn.
pub(crate) fn record_with_code(code: &str, numbers: &mut Numbers) -> String {
    let name = format!("{} {} {}", numbers.pick(&FAMILY), numbers.pick(&MIDDLE), numbers.pick(&GIVEN));
    let (procedure, title, field, field_name) = *numbers.pick(&WORK);
    let (place, alley) = (*numbers.pick(&PLACE), *numbers.pick(&ALLEY));
    let (house, phone, person) = (numbers.next() % 400 + 1, numbers.digits(8), numbers.digits(9));
    let (day, hour, minute, second) =
        (numbers.next() % 18 + 1, numbers.next() % 9 + 8, numbers.next() % 60, numbers.next() % 60);
    let (file, paper, fee) = (numbers.digits(10), numbers.digits(6), numbers.next() % 40 * 5000 + 5000);
    format!(
        r#"{{"MaHoSo":"{code}","MaTTHC":"{procedure}","TenTTHC":"{title}","MaLinhVuc":"{field}","TenLinhVuc":"{field_name}","KenhThucHien":"2","ChuHoSo":"{name}","SoGiayToChuHoSo":"038{person}","LoaiDoiTuong":"1","MaDoiTuong":"","Email":"","SoDienThoai":"09{phone}","TrichYeuHoSo":"{title} cho {name}, số {house} {alley}","NgayTiepNhan":"202601{day:02}{hour:02}{minute:02}{second:02}","NgayHenTra":"202602{day:02}170000","TrangThaiHoSo":"2","NgayTra":"","HinhThuc":"0","NgayKetThucXuLy":"","DonViXuLy":"{place}","NoiNopHoSo":"1","HoSoCoThanhPhanSoHoa":"1","TaiKhoanDuocXacThucVoiVNeID":"1","DuocThanhToanTrucTuyen":"1","NgayNopHoSo":"202601{day:02}{hour:02}{minute:02}00","DinhDanhCHS":[{{"LoaiDinhDanh":"1","SoDinhDanh":"038{person}"}}],"DSKetNoiCSDL":[{{"MaCSDL":"1"}}],"TaiLieuNop":[{{"TepDinhKemId":"{file}","TenTepDinhKem":"don-{paper}.pdf","IsDeleted":"False","MaThanhPhanHoSo":"000.00.00.G11-KQ{paper}","DuongDanTaiTepTin":"https://tep.motcua.example/{file}"}}],"DanhSachLePhi":[{{"TenPhiLePhi":"Lệ phí","MaPhiLePhi":"1","HinhThucThu":"1","Gia":"{fee}","LoaiPhiLePhi":"2"}}],"DanhSachTepDinhKemKhac":[],"DanhSachHoSoBoSung":[],"DanhSachGiayToKetQua":[]}}"#
    )
}
