//! Every row of the encoding table, and what must be refused.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn integers() {
    for (text, number) in [
        ("\"500000000\"", 500_000_000),
        ("5", 5),
        ("{\"u64\":\"5\"}", 5),
        ("{\"U128\":\"340282366920938463463374607431768211455\"}", u128::MAX),
        ("340282366920938463463374607431768211455", u128::MAX),
        ("{\"type\":\"u64\",\"value\":\"7\"}", 7),
    ] {
        assert_eq!(Node::root(&value(text)).u128(), Ok(number), "{text}");
    }
    for text in [
        "null",
        "true",
        "\"\"",
        "\"1_000\"",
        "\"-1\"",
        "-1",
        "1.0",
        "1e3",
        "\"٣\"",
        "\"0x5\"",
        "[5]",
        "{}",
        "\" 5\"",
        "{\"bool\":true}",
        "340282366920938463463374607431768211456",
        "{\"u64\":\"5\",\"x\":1}",
    ] {
        assert!(Node::root(&value(text)).u128().is_err(), "{text}");
    }
    assert!(Node::root(&value("\"18446744073709551616\"")).u64().is_err());
    assert_eq!(Node::root(&value("\"18446744073709551615\"")).u64(), Ok(u64::MAX));
    assert!(Node::root(&value("256")).u8().is_err());
}

#[test]
fn bools() {
    for (text, flag) in [
        ("true", true),
        ("false", false),
        ("\"false\"", false),
        ("{\"bool\":false}", false),
        // The old readiness check read these words and numbers.
        ("\"yes\"", true),
        ("\"TRUE\"", true),
        ("1", true),
        ("\"1\"", true),
        ("\"No\"", false),
        ("0", false),
        ("\"0\"", false),
    ] {
        assert_eq!(Node::root(&value(text)).bool(), Ok(flag), "{text}");
    }
    for text in ["2", "-1", "1.5", "\"on\"", "\"2\"", "null", "[true]", "\"\""] {
        assert!(Node::root(&value(text)).bool().is_err(), "{text}");
    }
}

#[test]
fn addresses() {
    for text in ["\"0x1\"", "\"0x0001\"", "{\"inner\":\"0x1\"}", "{\"address\":\"0X1\"}"] {
        assert_eq!(Node::root(&value(text)).address(), Ok(Address::FRAMEWORK), "{text}");
    }
    for text in ["1", "\"\"", "\"zz\"", "[]", "null"] {
        assert!(Node::root(&value(text)).address().is_err(), "{text}");
    }
}

#[test]
fn bytes_and_text() {
    assert_eq!(Node::root(&json!("0x0a0b")).bytes(), Ok(vec![10, 11]));
    assert_eq!(Node::root(&json!("0x")).bytes(), Ok(vec![]));
    assert_eq!(Node::root(&json!([1, 255])).bytes(), Ok(vec![1, 255]));
    for bad in
        [json!("0a"), json!("0x0"), json!("0xzz"), json!("0x+f"), json!("0xéé"), json!([256]), json!(null)]
    {
        assert!(Node::root(&bad).bytes().is_err(), "{bad}");
    }
    assert_eq!(Node::root(&json!({"string": "a"})).text(), Ok("a".to_owned()));
    assert_eq!(Node::root(&json!("é".repeat(5000))).text().unwrap().len(), TEXT_BYTES_MAX);
}

#[test]
fn vectors_are_lists_only() {
    assert_eq!(Node::root(&json!(["0x1", "0x2"])).items().unwrap().len(), 2);
    assert_eq!(Node::root(&json!({"vector": ["0x1"]})).items().unwrap().len(), 1);
    assert!(Node::root(&json!("0x1")).items().is_err());
    assert!(Node::root(&json!(null)).items().is_err());
}

#[test]
fn options() {
    let some =
        |text: &str| Node::root(&value(text)).option().map(|inner| inner.map(|node| node.value.clone()));
    assert_eq!(some("{\"vec\":[]}"), Ok(None));
    assert_eq!(some("{\"vec\":[\"0x1\"]}"), Ok(Some(json!("0x1"))));
    assert_eq!(some("null"), Ok(None));
    assert!(some("{}").is_err());
    assert_eq!(some("\"0x1\""), Ok(Some(json!("0x1"))));
    assert_eq!(some("{\"vec\":\"0x\"}"), Ok(None));
    assert_eq!(some("{\"rng_count\":1}"), Ok(Some(json!({"rng_count": 1}))));
    assert!(some("{\"vec\":[1,2]}").is_err());
    assert!(some("{\"vec\":3}").is_err());
    for (text, byte) in
        [("{\"vec\":\"0x01\"}", Some(1)), ("{\"vec\":\"0x\"}", None), ("{\"vec\":[7]}", Some(7))]
    {
        assert_eq!(Node::root(&value(text)).option_u8(), Ok(byte), "{text}");
    }
    assert!(Node::root(&json!({"vec": "0x0102"})).option_u8().is_err());
}

#[test]
fn struct_fields_in_every_wrapping() {
    for text in [
        r#"{"price":"5"}"#,
        r#"{"struct":{"price":"5"}}"#,
        r#"{"type":"0x1::m::S","fields":{"price":"5"}}"#,
        r#"{"struct":{"type":"S","fields":[{"name":"other","value":"1"},{"name":"price","value":{"u64":"5"}}]}}"#,
    ] {
        assert_eq!(Node::root(&value(text)).field("price").unwrap().u64(), Ok(5), "{text}");
    }
    assert_eq!(Node::root(&json!({"a": 1})).optional_field("b").unwrap().map(|n| n.at), None);
    assert!(Node::root(&json!([])).optional_field("b").is_err());
}

#[test]
fn return_values() {
    let pair = json!(["1", "2"]);
    assert_eq!(Node::root(&pair).returned(1).unwrap().u64(), Ok(2));
    assert_eq!(Node::root(&json!("1")).returned(0).unwrap().u64(), Ok(1));
    assert!(Node::root(&json!([])).returned(0).is_err());
    assert!(Node::root(&json!(null)).returned(0).is_err());
    for nested in [json!([["0x1", "0x2"]]), json!(["0x1", "0x2"]), json!([{"vec": ["0x1", "0x2"]}])] {
        assert_eq!(Node::root(&nested).returned_items().unwrap().len(), 2, "{nested}");
    }
    assert_eq!(Node::root(&json!([[]])).returned_items().unwrap().len(), 0);
    assert_eq!(Node::root(&json!([{"enabled": true}])).returned_items().unwrap().len(), 1);
}

#[test]
fn errors_say_where() {
    let answer = json!([{"aggregator": {"vec": [7]}}]);
    let node =
        Node::root(&answer).returned(0).unwrap().field("aggregator").unwrap().option().unwrap().unwrap();
    assert_eq!(
        node.address().unwrap_err().to_string(),
        "[0].aggregator.vec[0]: an address is wanted, this is 7"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|n| Value::from(n.to_string())),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("(vec|u64|bool|struct|fields|type|value|[a-z]{1,4})", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever the chain sends, decoding answers or refuses; it neither panics nor invents a zero.
    #[test]
    fn nothing_becomes_zero(json in any_json()) {
        let node = Node::root(&json);
        if node.u128() == Ok(0) {
            prop_assert!(json.to_string().contains('0'));
        }
        let _ = (node.bool(), node.address(), node.bytes(), node.text());
        let _ = (node.items(), node.option(), node.option_u8(), node.field("a"), node.returned_items());
    }

    #[test]
    fn every_u128_is_read_back(number in any::<u128>()) {
        prop_assert_eq!(Node::root(&json!(number.to_string())).u128(), Ok(number));
    }
}
