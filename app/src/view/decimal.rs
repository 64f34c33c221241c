//! Fractions as text.

/// Three decimals: enough for anything on a screen. Rust's own way can write every digit that a fraction has, by code that
/// is as large as all of `view`.
pub fn decimal(value: f64) -> String {
    let thousandths = (value * 1000.0).round() as i64;
    let (whole, rest) = (thousandths.abs() / 1000, thousandths.abs() % 1000);
    let sign = if thousandths < 0 { "-" } else { "" };
    format!("{sign}{whole}.{rest:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_fractions() {
        assert_eq!(decimal(0.62), "0.620");
        assert_eq!(decimal(-12.0005), "-12.001");
        assert_eq!(decimal(-0.0001), "0.000");
    }
}
