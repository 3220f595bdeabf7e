//! What the portal's sentences say, whatever their case, accents or Unicode form.
//!
//! It knows a handful of phrases; everything else is just text.

/// Lower case, without accents, one space between words: `Thành Công` in NFC or NFD becomes `thanh cong`.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match base(c) {
            Some(' ') if folded.ends_with(' ') => {}
            Some(base) => folded.push(base),
            None => {}
        }
    }
    folded
}

/// The letter below the accents; `None` for a combining accent.
fn base(c: char) -> Option<char> {
    Some(match c {
        '\u{300}'..='\u{36f}' => return None,
        'à' | 'á' | 'ả' | 'ã' | 'ạ' | 'ă' | 'ằ' | 'ắ' | 'ẳ' | 'ẵ' | 'ặ' | 'â' | 'ầ' | 'ấ' | 'ẩ' | 'ẫ' | 'ậ' => {
            'a'
        }
        'è' | 'é' | 'ẻ' | 'ẽ' | 'ẹ' | 'ê' | 'ề' | 'ế' | 'ể' | 'ễ' | 'ệ' => 'e',
        'ì' | 'í' | 'ỉ' | 'ĩ' | 'ị' => 'i',
        'ò' | 'ó' | 'ỏ' | 'õ' | 'ọ' | 'ô' | 'ồ' | 'ố' | 'ổ' | 'ỗ' | 'ộ' | 'ơ' | 'ờ' | 'ớ' | 'ở' | 'ỡ' | 'ợ' => {
            'o'
        }
        'ù' | 'ú' | 'ủ' | 'ũ' | 'ụ' | 'ư' | 'ừ' | 'ứ' | 'ử' | 'ữ' | 'ự' => 'u',
        'ỳ' | 'ý' | 'ỷ' | 'ỹ' | 'ỵ' => 'y',
        'đ' => 'd',
        c if c.is_whitespace() => ' ',
        c => c,
    })
}

fn any(folded: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| folded.contains(phrase))
}

/// `thành công`, and nothing that takes it back.
pub(crate) fn says_success(folded: &str) -> bool {
    folded.contains("thanh cong") && !says_failure(folded)
}

/// `không thành công`, `thất bại`, `có lỗi`: some portals say so beside a code that means success.
pub(crate) fn says_failure(folded: &str) -> bool {
    any(folded, &["khong thanh cong", "chua thanh cong", "that bai", "co loi"])
}

/// `đã tồn tại`.
pub(crate) fn says_exists(folded: &str) -> bool {
    folded.contains("da ton tai")
}

/// `không tồn tại`, `không tìm thấy`, `không có dữ liệu`.
pub(crate) fn says_absent(folded: &str) -> bool {
    any(folded, &["khong ton tai", "chua ton tai", "khong tim thay", "khong co du lieu"])
}

/// The session is not, or no longer, good.
pub(crate) fn says_session(folded: &str) -> bool {
    any(folded, &["session", "phien lam viec", "phien dang nhap"])
}

/// Come back later.
pub(crate) fn says_busy(folded: &str) -> bool {
    any(folded, &["thu lai sau", "qua tai", "dang ban"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_recognised_in_every_case_and_unicode_form() {
        for text in ["Đồng bộ hồ sơ THÀNH CÔNG", "thành  công", "tha\u{300}nh co\u{302}ng", "Cap nhat thanh cong!"]
        {
            assert!(says_success(&fold(text)), "{text}");
        }
        for text in ["", "Không thành công", "Thất bại: 0 bản ghi thành công", "chưa thành công", "OK"] {
            assert!(!says_success(&fold(text)), "{text}");
        }
    }

    #[test]
    fn existing_and_missing_are_told_apart() {
        assert!(says_exists(&fold("Hồ sơ đã tồn tại")) && !says_absent(&fold("Hồ sơ đã tồn tại")));
        assert!(says_absent(&fold("Hồ sơ KHÔNG TỒN TẠI")) && !says_exists(&fold("Hồ sơ không tồn tại")));
    }
}
