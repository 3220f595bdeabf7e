//! The picture of a QR code, as SVG inside a page: nothing is loaded, and it is sharp on every screen.
//!
//! It does not know what the text is.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// The empty border that readers need, in squares (ISO/IEC 18004).
const BORDER: i32 = 4;

/// The picture under a name for those who cannot see it; `None` when the text is too long for one.
pub(crate) fn picture(text: &str, name: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * BORDER;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            let run = i32::try_from(run).expect("a code has at most 177 squares a side");
            if run > 0 {
                write!(path, "M{} {}h{run}v1h-{run}z", x + BORDER, y + BORDER).expect("writing to a text cannot fail");
            }
            x += run.max(1);
        }
    }
    Some(format!(
        "<svg role=\"img\" aria-label=\"{name}\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" \
         style=\"display:block;width:100%;max-width:18rem;margin:0 auto;background:#fff\"><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_squares_with_a_border_and_one_that_is_too_long_nothing() {
        let svg = picture("00020101", "Mã QR").unwrap();
        assert!(svg.contains("viewBox=\"0 0 29 29\""), "21 squares and two borders: {svg}");
        // The upper edge of the finder in the upper left corner.
        assert!(svg.contains("M4 4h7v1h-7z"), "{svg}");
        assert!(svg.contains("aria-label=\"Mã QR\""));
        assert_eq!(picture(&"x".repeat(3000), "Mã QR"), None);
    }
}
