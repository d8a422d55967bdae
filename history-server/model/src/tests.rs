use crate::column::Column;
use crate::format::{bytes, duration, fixed, grouped, grouped_tenths, java_double};
use crate::order::{immutable_order, java_hash, mutable_map_order};
use crate::strings::Strings;

use proptest::prelude::*;

#[test]
fn doubles_read_as_java_prints_them() {
    let printed = [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (-2.5, "-2.5"),
        (0.001, "0.001"),
        (0.000_999, "9.99E-4"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (123_456_789_012.0, "1.23456789012E11"),
        (1.7e300, "1.7E300"),
    ];
    for (value, text) in printed {
        assert_eq!(java_double(value), text);
    }
    assert_eq!(java_double(f64::NAN), "NaN");
}

#[test]
fn numbers_are_rounded_half_up_by_their_shortest_digits() {
    assert_eq!(fixed(0.15, 1), "0.2");
    assert_eq!(fixed(0.25, 1), "0.3");
    assert_eq!(fixed(9.95, 1), "10.0");
    assert_eq!(fixed(-1.04, 1), "-1.0");
    assert_eq!(fixed(59.5, 0), "60");
}

#[test]
fn sizes_and_durations_read_as_in_spark() {
    assert_eq!(bytes(2047), "2047.0 B");
    assert_eq!(bytes(2048), "2.0 KiB");
    assert_eq!(bytes(i64::MAX), "8.0 EiB");
    assert_eq!(bytes(-1), "-1.0 B");
    assert_eq!(duration(999), "999 ms");
    assert_eq!(duration(1_450), "1.5 s");
    assert_eq!(duration(90_000), "1.5 m");
    assert_eq!(duration(5_400_000), "1.50 h");
    assert_eq!(grouped(-1_234_567), "-1,234,567");
    assert_eq!(grouped(999), "999");
    assert_eq!(grouped_tenths(12_345), "1,234.5");
    assert_eq!(grouped_tenths(20), "2");
}

#[test]
fn collections_go_in_scalas_order() {
    assert_eq!(java_hash("driver"), -1_323_526_104);
    // A table of sixteen, by hash modulo sixteen.
    assert_eq!(mutable_map_order(&[17, 2, 1]), [2, 0, 1]);
    // Up to four keys stay as they came.
    assert_eq!(immutable_order(&[9, 3, 7, 1]), [0, 1, 2, 3]);
    let mut order = immutable_order(&[9, 3, 7, 1, 5]);
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2, 3, 4]);
}

#[test]
fn texts_are_kept_once() {
    let mut strings = Strings::default();
    let codes: Vec<_> = (0..100).map(|i| strings.intern(&format!("text {}", i % 40))).collect();
    assert_eq!(strings.len(), 40);
    assert_eq!(codes[3], codes[43]);
    assert_eq!(strings.get(codes[41]), "text 1");
    assert_eq!(strings.code("text 39"), Some(codes[39]));
    assert_eq!(strings.code("none"), None);
}

proptest! {
    #[test]
    fn columns_give_back_what_was_put_in(values in prop::collection::vec(
        prop_oneof![Just(7i64), -100i64..100, -40_000i64..40_000, any::<i32>().prop_map(i64::from), any::<i64>()], 0..50,
    )) {
        let column: Column = values.iter().copied().collect();
        prop_assert_eq!(column.iter().collect::<Vec<_>>(), values);
    }
}
