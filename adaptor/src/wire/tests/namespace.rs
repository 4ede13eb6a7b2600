//! What is a namespace, what is said of what is none, and who is below whom.

use super::*;

#[test]
fn taken() {
    let longest_part = "a".repeat(64);
    let most_parts = ["a"; 32].join(".");
    let longest = vec!["x".repeat(31); 32].join(".") + "x";
    assert_eq!(longest.len(), limits::NAMESPACE_BYTES_MAX);
    for text in
        ["", "a", "a.b", "shop.lathe.spindle", "a0_-", "a-.b_", "z9", &longest_part, &most_parts, &longest]
    {
        let ns = Namespace::parse(text).unwrap();
        assert_eq!(ns.as_str(), text);
        assert_eq!(ns.to_string(), text);
        assert_eq!(ns.parts().count(), if text.is_empty() { 0 } else { text.split('.').count() });
    }
}

#[test]
fn refused_with_what_is_wrong_and_a_better_name() {
    let check = |text: &str, part: &str, better: Option<&str>| {
        let error = Namespace::parse(text).unwrap_err();
        assert_eq!(error, NamespaceError::Part { text: text.to_owned(), part: part.to_owned() });
        let better = better.map(|name| format!("; try {name:?}")).unwrap_or_default();
        assert_eq!(
            error.to_string(),
            format!(
                "{part:?} in {text:?} is not a part of a namespace: it takes a letter a-z and up to 63 more of a-z, 0-9, _ and -{better}"
            )
        );
    };
    check("Shop.Lathe 2", "Shop", Some("shop.lathe-2"));
    check("shop.Lathe", "Lathe", Some("shop.lathe"));
    check("shop/lathe", "shop/lathe", Some("shop.lathe"));
    check(".a", "", Some("a"));
    check("a.", "", Some("a"));
    check("a..b", "", Some("a.b"));
    check(".", "", None);
    check(" ", " ", None);
    check("1a", "1a", Some("a"));
    check("_a", "_a", Some("a"));
    check("-", "-", None);
    check("42", "42", None);
    check("a.42", "42", Some("a"));
    check("Küche", "Küche", Some("k-che"));
    check("Ünder", "Ünder", Some("nder"));
    check("温度", "温度", None);
    check("a\0b", "a\0b", Some("a-b"));
    check("a\n", "a\n", Some("a"));
    check("a b.c", "a b", Some("a-b.c"));
    check("a:b", "a:b", Some("a-b"));
    let long = "a".repeat(65);
    check(&long, &long, None);
}

#[test]
fn refused_for_its_size() {
    let parts = ["a"; 33].join(".");
    let error = Namespace::parse(&parts).unwrap_err();
    assert_eq!(error, NamespaceError::TooManyParts { text: parts.clone(), parts: 33 });
    assert_eq!(error.to_string(), format!("a namespace has at most 32 parts, {parts:?} has 33"));
    let error = Namespace::parse(&"x".repeat(1025)).unwrap_err();
    assert_eq!(error, NamespaceError::TooLong { bytes: 1025 });
    assert_eq!(error.to_string(), "a namespace has at most 1024 bytes, this one has 1025");
    assert_eq!(Namespace::parse(&"é".repeat(1_000_000)), Err(NamespaceError::TooLong { bytes: 2_000_000 }));
}

#[test]
fn family() {
    let ns = |text: &str| Namespace::parse(text).unwrap();
    assert_eq!(ns("a.b.c").parent(), Some(ns("a.b")));
    assert_eq!(ns("a").parent(), Some(Namespace::root()));
    assert_eq!(Namespace::root().parent(), None);
    assert!(Namespace::root().is_root() && ns("").is_root() && !ns("a").is_root());

    let check = |below: &str, above: &str, expected: bool| {
        assert_eq!(ns(below).is_under(&ns(above)), expected, "{below:?} under {above:?}");
    };
    check("a.b", "a", true);
    check("a.b.c", "a", true);
    check("a", "", true);
    check("", "", false);
    check("a", "a", false);
    check("a", "a.b", false);
    check("ab", "a", false);
    check("a-b", "a", false);
    check("", "a", false);

    assert_eq!(ns("a.b").join(&ns("c.d")), Ok(ns("a.b.c.d")));
    assert_eq!(ns("").join(&ns("c")), Ok(ns("c")));
    assert_eq!(ns("a").join(&ns("")), Ok(ns("a")));
    let deep = ns(&["a"; 20].join("."));
    assert!(matches!(deep.join(&deep), Err(NamespaceError::TooManyParts { parts: 40, .. })));
    let long = ns(&vec!["x".repeat(60); 10].join("."));
    assert!(matches!(long.join(&long), Err(NamespaceError::TooLong { bytes: 1219 })));
    assert_eq!(ns("a.b").parts().collect::<Vec<_>>(), ["a", "b"]);
}
