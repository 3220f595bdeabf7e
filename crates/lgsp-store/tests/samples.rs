//! Made-up dossier records and progress steps in the national shape, varied like real ones: for tests, the bench and
//! the training of the compression dictionary. Every name, number and address is drawn at random.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses another part")]

use std::fmt::Write as _;

/// SplitMix64: small, seedable, the same on every machine.
pub struct Random(pub u64);

impl Random {
    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn time(&mut self) -> String {
        let (year, month, day) = (2024 + self.below(3), 1 + self.below(12), 1 + self.below(28));
        let (hour, minute, second) = (7 + self.below(10), self.below(60), self.below(60));
        format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }
}

const FAMILY: &[&str] = &[
    "NGUYỄN", "TRẦN", "LÊ", "PHẠM", "HOÀNG", "VŨ", "ĐẶNG", "BÙI", "ĐỖ", "HỒ", "NGÔ", "DƯƠNG", "LÝ", "ĐINH", "LÒ",
    "QUÀNG", "MÙA", "GIÀNG", "THÀO", "CÀ", "TÒNG", "LƯỜNG", "VÀNG", "SÙNG", "PHAN", "TRỊNH", "MAI", "CAO",
];
const MIDDLE: &[&str] = &[
    "VĂN", "THỊ", "ĐỨC", "MINH", "THANH", "QUANG", "HỮU", "NGỌC", "XUÂN", "HỒNG", "ANH", "THU", "KIM", "TUẤN", "GIA",
    "BẢO", "A", "CÔNG", "ĐÌNH", "PHƯƠNG",
];
const GIVEN: &[&str] = &[
    "AN", "BÌNH", "CHI", "CƯỜNG", "DŨNG", "DUYÊN", "ĐẠT", "GIANG", "HÀ", "HẢI", "HẠNH", "HIẾU", "HOA", "HÒA", "HÙNG",
    "HƯƠNG", "KHÁNH", "KIÊN", "LAN", "LINH", "LONG", "LY", "MAI", "NAM", "NGA", "NHUNG", "PHONG", "PHÚC", "QUÂN",
    "SƠN", "TÂM", "THẢO", "THẮNG", "THỦY", "TRANG", "TRUNG", "TÙNG", "VINH", "YẾN", "CHỨ", "DÍNH", "PÁO",
];
/// Code, name, field code, field name.
const PROCEDURES: &[(&str, &str, &str, &str)] = &[
    ("1.001193", "Đăng ký khai sinh", "G15-TP01", "Hộ tịch"),
    ("1.000894", "Đăng ký kết hôn", "G15-TP01", "Hộ tịch"),
    ("1.000656", "Đăng ký khai tử", "G15-TP01", "Hộ tịch"),
    ("1.004873", "Cấp Giấy xác nhận tình trạng hôn nhân", "G15-TP01", "Hộ tịch"),
    ("2.000815", "Chứng thực bản sao từ bản chính giấy tờ, văn bản", "G15-TP02", "Chứng thực"),
    ("2.000884", "Chứng thực chữ ký trong các giấy tờ, văn bản", "G15-TP02", "Chứng thực"),
    (
        "2.002621",
        "Đăng ký khai sinh, đăng ký thường trú, cấp thẻ bảo hiểm y tế cho trẻ em dưới 6 tuổi",
        "G15-TP01",
        "Hộ tịch",
    ),
    (
        "1.012753",
        "Đăng ký đất đai, tài sản gắn liền với đất, cấp Giấy chứng nhận quyền sử dụng đất lần đầu",
        "G13-TN02",
        "Đất đai",
    ),
    ("1.012784", "Tách thửa hoặc hợp thửa đất", "G13-TN02", "Đất đai"),
    ("1.012781", "Đăng ký biến động quyền sử dụng đất do chuyển nhượng, tặng cho, thừa kế", "G13-TN02", "Đất đai"),
    ("1.013239", "Cấp giấy phép xây dựng mới đối với nhà ở riêng lẻ", "G17-XD05", "Hoạt động xây dựng"),
    ("1.013225", "Cấp giấy phép sửa chữa, cải tạo đối với công trình", "G17-XD05", "Hoạt động xây dựng"),
    ("1.001612", "Đăng ký thành lập hộ kinh doanh", "G12-KH03", "Thành lập và hoạt động của hộ kinh doanh"),
    (
        "2.000720",
        "Đăng ký thay đổi nội dung đăng ký hộ kinh doanh",
        "G12-KH03",
        "Thành lập và hoạt động của hộ kinh doanh",
    ),
    ("1.002407", "Xét, cấp học bổng chính sách", "G04-GD05", "Giáo dục và Đào tạo thuộc hệ thống giáo dục quốc dân"),
    ("1.005090", "Xét tuyển sinh vào trường phổ thông dân tộc nội trú", "G04-GD03", "Giáo dục dân tộc"),
    ("1.001776", "Thực hiện, điều chỉnh, thôi hưởng trợ cấp xã hội hàng tháng", "G09-LD01", "Bảo trợ xã hội"),
    ("1.001731", "Hỗ trợ chi phí mai táng cho đối tượng bảo trợ xã hội", "G09-LD01", "Bảo trợ xã hội"),
    ("1.002809", "Đổi giấy phép lái xe do ngành giao thông vận tải cấp", "G17-GT03", "Đường bộ"),
    (
        "2.001396",
        "Trợ cấp hàng tháng đối với thanh niên xung phong đã hoàn thành nhiệm vụ",
        "G09-LD02",
        "Người có công",
    ),
    (
        "1.004964",
        "Giải quyết chế độ trợ cấp một lần đối với người được cử làm chuyên gia sang giúp Lào, Căm-pu-chia",
        "G09-LD02",
        "Người có công",
    ),
    (
        "1.003434",
        "Hỗ trợ dự án liên kết sản xuất và tiêu thụ sản phẩm nông nghiệp",
        "G10-NN08",
        "Kinh tế hợp tác và Phát triển nông thôn",
    ),
    ("1.008004", "Chuyển đổi cơ cấu cây trồng trên đất trồng lúa", "G10-NN02", "Trồng trọt"),
    ("2.001283", "Cấp Giấy chứng nhận đủ điều kiện kinh doanh xăng dầu", "G03-CT07", "Lưu thông hàng hóa trong nước"),
];
const AGENCIES: &[(&str, &str)] = &[("H11", "tỉnh Điện Biên"), ("H56", "tỉnh Thanh Hóa")];
const COMMUNES: &[&str] = &[
    "phường Điện Biên Phủ",
    "phường Mường Thanh",
    "phường Mường Lay",
    "xã Thanh Nưa",
    "xã Thanh An",
    "xã Mường Phăng",
    "xã Tuần Giáo",
    "xã Quài Tở",
    "xã Mường Ảng",
    "xã Tủa Chùa",
    "xã Na Son",
    "xã Sín Thầu",
    "xã Mường Nhé",
    "phường Hạc Thành",
    "phường Quảng Phú",
    "phường Sầm Sơn",
    "phường Bỉm Sơn",
    "xã Hậu Lộc",
    "xã Hoằng Hóa",
    "xã Nga Sơn",
    "xã Thọ Xuân",
    "xã Lam Sơn",
    "xã Như Xuân",
    "xã Cẩm Thủy",
    "xã Bá Thước",
    "xã Quan Hóa",
];
const FILES: &[(&str, &str)] = &[
    ("to-khai", "000.00.00.G15-KQ000123"),
    ("don-de-nghi", "000.00.00.G13-KQ002269"),
    ("giay-chung-sinh", "000.00.00.G18-KQ000417"),
    ("can-cuoc-cong-dan", "000.00.00.G01-KQ000031"),
    ("giay-chung-nhan-qsdd", "000.00.00.G13-KQ001408"),
    ("ban-ve-thiet-ke", "000.00.00.G17-KQ000902"),
    ("hop-dong-chuyen-nhuong", "000.00.00.G15-KQ000655"),
];

/// One dossier record with everything that a caller needs to push it.
pub struct Sample {
    /// `MaHoSo`.
    pub code: String,
    /// The agency before the first dash.
    pub agency: String,
    /// The record.
    pub json: String,
}

/// The `n`th dossier's record at `status`.
pub fn record(n: u64, status: u8) -> Sample {
    let mut random = Random(n.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 0x1234_5678);
    let (province, province_name) = *random.pick(AGENCIES);
    let unit = 1 + random.below(60);
    let agency =
        if n.is_multiple_of(3) { format!("{province}.{unit}") } else { format!("000.00.{unit:02}.{province}") };
    let day = n / 4_000;
    let code =
        format!("{agency}-{:02}{:02}{:02}-{:04}", 24 + day / 336 % 70, 1 + day / 28 % 12, 1 + day % 28, n % 4_000 + 1);
    let json = render(&mut random, &code, status, province, province_name);
    Sample { code, agency, json }
}

fn render(random: &mut Random, code: &str, status: u8, province: &str, province_name: &str) -> String {
    let name = format!("{} {} {}", random.pick(FAMILY), random.pick(MIDDLE), random.pick(GIVEN));
    let (procedure, procedure_name, field, field_name) = *random.pick(PROCEDURES);
    let commune = *random.pick(COMMUNES);
    let identity = format!("0{}", random.digits(11));
    let (file, part) = *random.pick(FILES);
    let received = random.time();
    let filed = random.time();
    let due = random.time();
    let ended = if status >= 9 { random.time() } else { String::new() };
    let online = random.below(3) > 0;
    let mut json = String::with_capacity(1_600);
    write!(
        json,
        "{{\"MaHoSo\":\"{code}\",\"MaTTHC\":\"{procedure}\",\"TenTTHC\":\"{procedure_name}\",\"MaLinhVuc\":\"{field}\",\"TenLinhVuc\":\"{field_name}\",\
         \"KenhThucHien\":\"{}\",\"ChuHoSo\":\"{name}\",\"SoGiayToChuHoSo\":\"{identity}\",\"LoaiDoiTuong\":\"1\",\"MaDoiTuong\":\"{}\",\"Email\":\"{}\",\
         \"SoDienThoai\":\"09{}\",\"TrichYeuHoSo\":\"{procedure_name} của ông/bà {name}, trú tại {commune}, {province_name}\",\
         \"NgayTiepNhan\":\"{received}\",\"NgayHenTra\":\"{due}\",\"TrangThaiHoSo\":\"{status}\",\"NgayTra\":\"\",\"ThongTinTra\":\"\",\"HinhThuc\":\"{}\",\
         \"NgayKetThucXuLy\":\"{ended}\",\"DonViXuLy\":\"UBND {commune}\",\"GhiChu\":\"\",\"NoiNopHoSo\":\"2\",\"HoSoCoThanhPhanSoHoa\":\"1\",\
         \"TaiKhoanDuocXacThucVoiVNeID\":\"{}\",\"DuocThanhToanTrucTuyen\":\"{}\",\"NgayTuChoi\":\"\",\"NgayNopHoSo\":\"{filed}\",\
         \"DinhDanhCHS\":[{{\"LoaiDinhDanh\":\"1\",\"SoDinhDanh\":\"{identity}\"}}],\"DSKetNoiCSDL\":[{{\"MaCSDL\":\"1\"}}],\
         \"TaiLieuNop\":[{{\"TepDinhKemId\":\"{}\",\"TenTepDinhKem\":\"{file}.pdf\",\"IsDeleted\":\"False\",\"MaThanhPhanHoSo\":\"{part}\",\
         \"DuongDanTaiTepTin\":\"https://motcua.{}.example/tep/{:016x}\",\"DuocSoHoa\":\"1\",\"DuocTaiSuDung\":\"0\",\"DuocLayTuKhoDMQG\":\"0\",\
         \"MaKetQuaThayThe\":\"\"}}],\"DanhSachLePhi\":[{{\"TenPhiLePhi\":\"Lệ phí\",\"MaPhiLePhi\":\"1\",\"HinhThucThu\":\"1\",\"Gia\":\"{}000\",\
         \"LoaiPhiLePhi\":\"1\"}}],\"DanhSachTepDinhKemKhac\":[],\"DanhSachHoSoBoSung\":[],\"DanhSachGiayToKetQua\":[]}}",
        if online { 2 } else { 1 },
        if online { format!("{:08x}", random.bits() as u32) } else { String::new() },
        if random.below(3) == 0 { format!("ho.ten{}@thu.example", random.below(100_000)) } else { String::new() },
        random.digits(8),
        random.below(2),
        u8::from(online),
        random.below(3),
        100_000 + random.below(9_000_000),
        province.to_lowercase(),
        random.bits(),
        5 * (1 + random.below(60)),
    )
    .expect("a string takes everything");
    json
}

/// A progress step of a dossier.
pub fn progress(code: &str, n: u64, status: u8, time: u64) -> String {
    let mut random = Random(n ^ 0xabcd_ef01);
    format!(
        "{{\"MaHoSo\":\"{code}\",\"NguoiXuLy\":\"{} {} {}\",\"ChucDanh\":\"Chuyên viên\",\"ThoiDiemXuLy\":\"{time}\",\
         \"PhongBanXuLy\":\"Bộ phận Tiếp nhận và Trả kết quả {}\",\"NoiDungXuLy\":\"Xử lý bước {n}\",\"TrangThai\":\"{status}\",\
         \"NgayBatDau\":\"\",\"NgayKetThucTheoQuyDinh\":\"\"}}",
        random.pick(FAMILY),
        random.pick(MIDDLE),
        random.pick(GIVEN),
        random.pick(COMMUNES)
    )
}
