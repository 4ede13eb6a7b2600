//! Snapshots' files: read as they were written, refused where anything is not as it was, whole or not there after a power
//! cut, and what a broken directory begins with.

pub(in crate::store) mod memory;

use std::io::BufReader;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{Namespace, SnapshotName, Timestamp};

use super::auto;
use super::file::{Header, Reader, Strictness, Thing, Unread, Writer};
use super::files::{Files, SystemFiles};
use super::import::{Import, Put};
use super::refusal::Refusal;
use super::shelf::{Shelf, Written};
use crate::hub::{Hub, HubLimits};
use memory::{Fault, MemoryFiles};

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn name(text: &str) -> SnapshotName {
    SnapshotName::parse(text).unwrap()
}

fn header(name: &str) -> Header {
    let epoch = "660c70d90c2ae-6e6f".to_owned();
    Header { name: name.to_owned(), saved: at(1_795_283_043.5), ns: Namespace::root(), epoch, seq: 9 }
}

fn thing(ns: &str, data: &str, seq: u64) -> Thing {
    Thing {
        ns: Namespace::parse(ns).unwrap(),
        data: data.to_owned(),
        ts: at(1.5),
        received: at(1_795_283_000.25),
        seq,
        documentation_url: None,
        ttl: None,
    }
}

/// All that a thing can have, in order.
fn some_things() -> Vec<Thing> {
    let url = Some("http://e.org/\"größe\"\\".to_owned());
    vec![
        thing("", "null", 1),
        Thing {
            documentation_url: url,
            ..thing("a", r#"{"rpm": 1.20e3 ,"of":"größe\n\"\u00e9\"","n":[-0]}"#, 3)
        },
        Thing { ttl: Some(Duration::from_millis(1_500)), ..thing("a-b", "18446744073709551616", 4) },
        Thing { ts: at(-1e300), ..thing("a.b", "\"x\"", 1 << 53) },
    ]
}

fn text(header: &Header, things: &[Thing]) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), header).unwrap();
    for thing in things {
        writer.thing(thing.ns.as_str(), &thing.value(), thing.ttl).unwrap();
    }
    let (out, count, bytes) = writer.end().unwrap();
    assert_eq!((count, bytes), (things.len() as u64, out.len() as u64));
    out
}

fn read(bytes: &[u8], strictness: Strictness) -> Result<(Header, Vec<Thing>), Unread> {
    let mut reader = Reader::open(bytes, strictness)?;
    let mut things = Vec::new();
    while let Some(thing) = reader.next()? {
        things.push(thing);
    }
    assert_eq!(reader.things(), things.len() as u64);
    Ok((reader.header().clone(), things))
}

#[test]
fn what_is_written_is_read_byte_for_byte() {
    for things in [some_things(), Vec::new()] {
        let bytes = text(&header("x"), &things);
        for strictness in [Strictness::Ours, Strictness::Brought] {
            assert_eq!(read(&bytes, strictness).unwrap(), (header("x"), things.clone()));
        }
    }
    let bytes = text(&header("x"), &some_things());
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        r#"{"snapshot":"x","format":1,"saved":1795283043.5,"ns":"","epoch":"660c70d90c2ae-6e6f","seq":9}"#
    );
    assert_eq!(
        lines[1],
        r#"{"ns":"","ts":1.5,"data":null,"documentation_url":null,"received":1795283000.25,"seq":1}"#
    );
    assert!(lines[3].ends_with(r#""seq":4,"ttl":1.5}"#), "{}", lines[3]);
    assert!(lines[5].starts_with(r#"{"things":4,"crc32":""#), "{}", lines[5]);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_with_a_reason() {
    let bytes = text(&header("x"), &some_things());
    for length in 0..bytes.len() {
        let error = read(&bytes[..length], Strictness::Ours).unwrap_err().to_string();
        assert!(error.starts_with("line "), "{length}: {error}");
    }
    let more = [bytes.as_slice(), b"x"].concat();
    assert!(read(&more, Strictness::Ours).is_err());
    assert!(read(&[bytes.as_slice(), bytes.as_slice()].concat(), Strictness::Ours).is_err());
}

#[test]
fn a_file_with_any_bit_turned_is_refused_with_a_reason() {
    let bytes = text(&header("x"), &some_things());
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut turned = bytes.clone();
            turned[place] ^= 1 << bit;
            let error = read(&turned, Strictness::Ours).unwrap_err().to_string();
            assert!(error.starts_with("line "), "{place} {bit}: {error}");
            // What is brought is looked at too, and where it is taken it is what was there.
            if let Ok(read) = read(&turned, Strictness::Brought) {
                assert_eq!(read, (header("x"), some_things()), "{place} {bit}");
            }
        }
    }
}

#[test]
fn what_no_snapshot_has_is_refused_with_its_line() {
    let first = r#"{"snapshot":"x","format":1,"saved":1.0,"ns":"shop","epoch":"e","seq":9}"#;
    let check = |text: String, line: u64, part: &str| {
        let error = read(text.as_bytes(), Strictness::Brought).unwrap_err().to_string();
        assert!(error.starts_with(&format!("line {line}: ")) && error.contains(part), "{error}");
    };
    check(String::new(), 1, "empty");
    check("hello\n".to_owned(), 1, "no JSON object");
    check("[\"x\",1,1.0]\n".to_owned(), 1, "no JSON object");
    check("{}\n".to_owned(), 1, "a snapshot begins with");
    check(first.replace("\"format\":1", "\"format\":2"), 1, "format 2");
    check(first.replace("shop", "Shop"), 1, "Shop");
    check(first.replace(":9}", ":18446744073709551615}"), 1, "epoch or seq");
    let second = |line: &str, part: &str| check(format!("{first}\n\n{line}\n"), 3, part);
    second(r#"{"ns":"lab","data":1}"#, "lab is not below shop");
    second(r#"{"ns":"shop.A","data":1}"#, "shop.A");
    second(r#"{"ns":"shop"}"#, "data");
    second(r#"{"ns":"shop","data":NaN}"#, "expected value");
    second(&format!(r#"{{"ns":"shop","data":{}{}}}"#, "[".repeat(70), "]".repeat(70)), "nests");
    second(r#"{"ns":"shop","data":1,"seq":18446744073709551615}"#, "counted");
    second(r#"{"ns":"shop","data":1,"ttl":0}"#, "ttl");
    second(r#"{"ns":"shop","data":1,"ttl":1e300}"#, "ttl");
    second(&format!(r#"{{"ns":"shop","data":"{}"}}"#, "x".repeat(2 << 20)), "longer than");
    second(r#"{"things":1,"crc32":"00000000"}"#, "count or the checksum");
}

#[test]
fn what_somebody_wrote_by_hand_is_taken() {
    let text = "{\"snapshot\": \"x\", \"format\": 1, \"saved\": 100}\r\n\n{\"data\": {\"a\": 1}, \"ns\": \"b\", \"new\": 1}\r\n\
                {\"ns\": \"a\", \"ts\": 5, \"data\": 1.0, \"documentation_url\": \"\"}";
    let (header, things) = read(text.as_bytes(), Strictness::Brought).unwrap();
    assert_eq!((header.saved, header.seq, header.ns.is_root()), (at(100.0), 0, true));
    let at_100 = Thing { ts: at(100.0), received: at(100.0), ..thing("b", r#"{"a": 1}"#, 1) };
    assert_eq!(
        things,
        [
            at_100.clone(),
            Thing { ts: at(5.0), ns: Namespace::parse("a").unwrap(), data: "1.0".to_owned(), ..at_100 }
        ]
    );
}

/// Writes a snapshot.
fn save(shelf: &Shelf, header: &Header, things: &[Thing]) -> Result<Written, Refusal> {
    shelf.write(&name(&header.name), header, &[], |out| {
        for thing in things {
            let written = out.thing(thing.ns.as_str(), &thing.value(), thing.ttl);
            written.map_err(|error| Refusal::disk(error.to_string()))?;
        }
        Ok(())
    })
}

fn names(shelf: &Shelf) -> Vec<String> {
    shelf.names().unwrap().into_iter().map(|(name, _)| name.to_string()).collect()
}

#[test]
fn after_a_power_cut_a_snapshot_is_whole_or_not_there() {
    // Long enough to be written in several pieces.
    let data = format!("\"{}\"", "x".repeat(50_000));
    let things: Vec<Thing> = (1..6).map(|seq| thing(&format!("t{seq}"), &data, seq)).collect();
    let (mut there, mut missing) = (0, 0);
    let mut random = 1_u64;
    let mut below = |end: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((random >> 33) % end as u64) as usize
    };
    for operation in 1.. {
        let mut is_over = false;
        for _ in 0..30 {
            let files = MemoryFiles::default();
            files.fail_at(operation, Fault::PowerCut);
            let saved = save(&Shelf::new(Arc::new(files.clone())), &header("x"), &things);
            is_over = files.operations() < operation;
            let after = files.after_power_cut(&mut below);
            let shelf = Shelf::new(Arc::new(after.clone()));
            shelf.tidy().unwrap();
            assert_eq!(after.list().unwrap().len(), names(&shelf).len(), "nothing half written is left");
            if names(&shelf).is_empty() {
                assert!(saved.is_err(), "what was told to be saved is there: {operation}");
                missing += 1;
            } else {
                assert_eq!(shelf.verify(&name("x"), || Ok(())).unwrap().things, 5, "{operation}");
                there += 1;
            }
        }
        if is_over {
            break;
        }
    }
    assert!(there > 10 && missing > 10, "{there} {missing}");
}

#[test]
fn a_disk_that_fails_gives_a_reason_and_leaves_nothing() {
    let things = some_things();
    let mut failed = 0;
    for operation in 1.. {
        let files = MemoryFiles::default();
        files.fail_at(operation, Fault::Error);
        let shelf = Shelf::new(Arc::new(files.clone()));
        match save(&shelf, &header("x"), &things) {
            Ok(_) => break,
            Err(refusal) => {
                assert_eq!(refusal.error, "disk_failed", "{refusal:?}");
                assert!(refusal.message.contains("does not want to"), "{refusal:?}");
                failed += 1;
            }
        }
        // Where only the folder could not be synced, it is there and whole.
        for name in shelf.names().unwrap() {
            shelf.verify(&name.0, || Ok(())).unwrap();
        }
        assert!(files.list().unwrap().iter().all(|(name, _)| !name.ends_with(".tmp")), "{operation}");
    }
    assert!(failed >= 4, "{failed}");
}

#[test]
fn nothing_is_written_over_and_what_is_not_there_is_told() {
    let folder = std::env::temp_dir().join(format!("thingsbus-snapshots-{}", std::process::id()));
    let shelf = Shelf::new(Arc::new(SystemFiles::at(folder.join("snapshots"))));
    assert!(names(&shelf).is_empty() && shelf.tidy().is_ok());
    assert_eq!(shelf.read(&name("x")).err().unwrap().error, "no_snapshot");
    std::fs::create_dir_all(&folder).unwrap();
    save(&shelf, &header("x"), &some_things()).unwrap();
    let before = std::fs::read(folder.join("snapshots/x.jsonl")).unwrap();
    assert_eq!(save(&shelf, &header("x"), &[]).unwrap_err().error, "snapshot_exists");
    assert_eq!(std::fs::read(folder.join("snapshots/x.jsonl")).unwrap(), before);
    std::fs::write(folder.join("snapshots/y.jsonl.tmp"), "half").unwrap();
    std::fs::write(folder.join("snapshots/no name.jsonl"), "else").unwrap();
    shelf.tidy().unwrap();
    assert!(!folder.join("snapshots/y.jsonl.tmp").exists());
    assert_eq!(names(&shelf), ["x"]);
    let list = shelf.list().unwrap();
    assert_eq!((&list[0]["things"], &list[0]["bytes"]), (&4.into(), &before.len().into()), "{list:?}");
    shelf.delete(&name("x")).unwrap();
    assert_eq!(shelf.delete(&name("x")).unwrap_err().error, "no_snapshot");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_snapshot_is_read_part_by_part_in_whole_lines() {
    let files = MemoryFiles::default();
    let shelf = Shelf::new(Arc::new(files.clone()));
    let long = format!("\"{}\"", "ö".repeat(300_000));
    let mut things: Vec<Thing> = (1..4_000).map(|seq| thing(&format!("a.t{seq:04}"), "1", seq)).collect();
    things.push(thing("b", &long, 1));
    things.push(thing("c", "2", 1));
    save(&shelf, &header("x"), &things).unwrap();
    let (mut whole, mut offset, mut parts) = (String::new(), Some(0), 0);
    while let Some(begin) = offset {
        let (text, next) = shelf.part(&name("x"), begin).unwrap();
        assert!(text.ends_with('\n'));
        assert!(text.len() <= 160 * 1024 || text.lines().count() == 1, "{}", text.len());
        assert_eq!(next.unwrap_or(begin + text.len() as u64), begin + text.len() as u64);
        whole += &text;
        offset = next;
        parts += 1;
    }
    assert!(parts > 4, "{parts}");
    assert_eq!(whole.as_bytes(), files.bytes("x.jsonl").unwrap());
    assert_eq!(shelf.part(&name("x"), 1 << 40).unwrap(), (String::new(), None));
}

/// Brings a text in parts of so many bytes.
fn bring(shelf: &Shelf, text: &str, part_bytes: usize) -> Result<Written, Refusal> {
    let mut import: Option<Import> = None;
    let mut offset = 0;
    loop {
        let rest = &text[offset..];
        let part = &rest[..part_bytes.min(rest.len())];
        let last = part.len() == rest.len();
        let put = Put { name: name("y"), offset: offset as u64, text: part.to_owned(), last };
        let mut going_on = match import.take() {
            Some(import) => import,
            None => Import::begin(shelf, &put)?,
        };
        going_on.take(&put)?;
        offset += part.len();
        assert_eq!(going_on.bytes(), offset as u64);
        if last {
            return going_on.finish(shelf, || Ok(())).map(|(_, written)| written);
        }
        import = Some(going_on);
    }
}

#[test]
fn what_is_brought_becomes_a_snapshot_in_order() {
    let things = some_things();
    let bytes = text(&header("x"), &things);
    let whole = String::from_utf8(bytes.clone()).unwrap();
    let wanted = String::from_utf8(text(&header("y"), &things)).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let reversed: Vec<&str> =
        [&lines[..1], &lines[1..5].iter().rev().copied().collect::<Vec<_>>()[..]].concat();
    for brought in [whole.clone(), lines[..5].join("\n"), reversed.join("\r\n")] {
        for part_bytes in [1, 7, 1 << 20] {
            if !brought.is_ascii() && part_bytes < 1 << 20 {
                continue;
            }
            let files = MemoryFiles::default();
            let shelf = Shelf::new(Arc::new(files.clone()));
            assert_eq!(bring(&shelf, &brought, part_bytes).unwrap().things, 4);
            assert_eq!(String::from_utf8(files.bytes("y.jsonl").unwrap()).unwrap(), wanted);
            assert_eq!(files.list().unwrap().len(), 1, "nothing else is left");
        }
    }
    let check = |text: String, error: &str, part: &str| {
        let files = MemoryFiles::default();
        let refusal = bring(&Shelf::new(Arc::new(files.clone())), &text, 1 << 20).unwrap_err();
        assert!(refusal.error == error && refusal.message.contains(part), "{refusal:?}");
        assert!(files.list().unwrap().is_empty(), "nothing is left");
    };
    check(whole.replace("1.20e3", "1.21e3"), "bad_snapshot", "remove that last line");
    check(format!("{}\n{}\n", lines[0], [lines[2]; 2].join("\n")), "bad_snapshot", "a stands in it twice");
    check([lines[0], lines[3], lines[2], lines[3]].join("\n"), "bad_snapshot", "a-b stands in it twice");
    check("so long".to_owned(), "bad_snapshot", "line 1: ");
    check(String::new(), "bad_snapshot", "it is empty");
}

#[test]
fn parts_come_one_after_the_other() {
    let shelf = Shelf::new(Arc::new(MemoryFiles::default()));
    let put = |name_text: &str, offset, text: &str| Put {
        name: name(name_text),
        offset,
        text: text.to_owned(),
        last: false,
    };
    let refused = |result: Result<(), Refusal>| result.unwrap_err().message;
    assert!(refused(Import::begin(&shelf, &put("y", 5, "x")).map(drop)).contains("begin again at 0"));
    let mut import = Import::begin(&shelf, &put("y", 0, "")).unwrap();
    import.take(&put("y", 0, "abc")).unwrap();
    assert!(refused(import.take(&put("y", 0, "abc"))).contains("belongs at 3"));
    assert!(refused(import.take(&put("y", 4, "abc"))).contains("belongs at 3"));
    assert!(refused(import.take(&put("z", 3, "abc"))).contains("belongs at 0"));
    import.take(&put("y", 3, "def")).unwrap();
    assert_eq!(import.bytes(), 6);
    save(&shelf, &header("y"), &[]).unwrap();
    assert_eq!(Import::begin(&shelf, &put("y", 0, "")).err().unwrap().error, "snapshot_exists");
}

fn hub() -> Hub {
    Hub::new("this".to_owned(), HubLimits { things_max: 1_000, directory_bytes_max: 1 << 30 })
}

#[test]
fn a_broken_directory_begins_with_the_newest_whole_snapshot_of_everything() {
    let files = MemoryFiles::default();
    let shelf = Shelf::new(Arc::new(files.clone()));
    let saved = |name: &str, saved: f64| Header { saved: at(saved), ..header(name) };
    save(&shelf, &saved("old", 100.0), &[thing("a", "1", 5)]).unwrap();
    let with_ttl = Thing { ttl: Some(Duration::from_secs(3_600)), ..thing("b", "3", 8) };
    save(&shelf, &saved("good", 200.0), &[thing("a", "2", 7), with_ttl]).unwrap();
    save(&shelf, &saved("turned", 300.0), &[thing("a", "3", 9)]).unwrap();
    save(&shelf, &saved("cut", 400.0), &[thing("a", "4", 9)]).unwrap();
    let part = Header { ns: Namespace::parse("a").unwrap(), ..saved("part", 500.0) };
    save(&shelf, &part, &[thing("a", "5", 9)]).unwrap();
    let mut turned = files.bytes("turned.jsonl").unwrap();
    turned[150] ^= 1;
    files.set("turned.jsonl", turned);
    let mut cut = files.bytes("cut.jsonl").unwrap();
    cut.truncate(150);
    files.set("cut.jsonl", cut);

    let mut empty = hub();
    let restored = super::restore(&shelf, &mut empty, Instant::now(), at(1_795_283_100.0)).unwrap();
    assert_eq!((restored.name.as_str(), restored.saved, restored.things), ("good", at(200.0), 2));
    let a = empty.directory().get("a").unwrap();
    assert_eq!((a.data(), a.seq(), a.received(), a.ts()), ("2", 7, at(1_795_283_000.25), at(1.5)));
    let place = empty.directory().place_of("b").unwrap();
    assert_eq!(empty.ttls.of(place), Some(Duration::from_secs(3_600)));
    assert!(empty.ttls.next().unwrap().0 < Instant::now() + Duration::from_secs(3_550), "it goes on");

    // What the new file had already when the start before was cut short is newer.
    let mut begun = hub();
    begun.restore("a", &thing("a", "9", 20).value(), None, None);
    assert_eq!(super::restore(&shelf, &mut begun, Instant::now(), at(1e9)).unwrap().things, 1);
    assert_eq!((begun.directory().get("a").unwrap().data(), begun.seq()), ("9", 20));

    let nothing = Shelf::new(Arc::new(MemoryFiles::default()));
    assert!(super::restore(&nothing, &mut hub(), Instant::now(), at(1e9)).is_none());
}

#[test]
fn only_the_last_automatic_ones_are_kept() {
    let shelf = Shelf::new(Arc::new(MemoryFiles::default()));
    assert_eq!(auto::newest(&shelf), None);
    for (name, saved) in [
        ("auto-20260101T000000Z", 1.0),
        ("auto-20260102T000000Z", 2.0),
        ("auto-20260103T000000Z", 3.0),
        ("auto-20260104T000000Z", 4.0),
        ("auto-mine", 9.0),
        ("mine", 9.0),
    ] {
        save(&shelf, &Header { saved: at(saved), ..header(name) }, &[]).unwrap();
    }
    assert_eq!(auto::newest(&shelf), Some(at(4.0)));
    auto::remove(&shelf, &auto::giving_way(&shelf, 3));
    assert_eq!(names(&shelf), ["auto-20260103T000000Z", "auto-20260104T000000Z", "auto-mine", "mine"]);
}

#[test]
fn what_gives_way_makes_room() {
    let files = MemoryFiles::default();
    let shelf = Shelf::new(Arc::new(files.clone()));
    for number in 0..999 {
        files.set(&format!("s{number}.jsonl"), Vec::new());
    }
    let auto = "auto-20260101T000000Z";
    save(&shelf, &header(auto), &[]).unwrap();
    assert_eq!(save(&shelf, &header("x"), &[]).unwrap_err().error, "too_many_snapshots");
    let gives_way = auto::giving_way(&shelf, 1);
    assert_eq!(gives_way, [name(auto)]);
    shelf.write(&name("x"), &header("x"), &gives_way, |_| Ok(())).unwrap();
    auto::remove(&shelf, &gives_way);
    assert_eq!(shelf.names().unwrap().len(), 1_000);
}

#[test]
fn all_of_them_together_have_so_many_bytes_at_the_most() {
    let shelf = Shelf::new(Arc::new(MemoryFiles::default()));
    let one = save(&shelf, &header("a"), &some_things()).unwrap().bytes;
    let shelf = shelf.with_bytes_max(one * 2);
    save(&shelf, &header("b"), &some_things()).unwrap();
    for things in [&some_things()[..], &[]] {
        let refusal = save(&shelf, &header("c"), things).unwrap_err();
        assert_eq!(refusal.error, "snapshots_too_large");
        assert!(refusal.message.contains("delete some first"), "{refusal:?}");
    }
    assert_eq!(names(&shelf), ["a", "b"]);
    shelf.write(&name("c"), &header("c"), &[name("a")], |_| Ok(())).unwrap();
    shelf.delete(&name("a")).unwrap();
    // There is room to begin, and not to end.
    assert_eq!(save(&shelf, &header("d"), &some_things()).unwrap_err().error, "snapshots_too_large");
    assert_eq!(names(&shelf), ["b", "c"]);
}

#[test]
fn a_file_of_this_system_is_read_as_it_was_written() {
    let folder = std::env::temp_dir().join(format!("thingsbus-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let files = SystemFiles::at(folder.clone());
    let mut out = files.create("x").unwrap();
    std::io::Write::write_all(&mut out, b"abc").unwrap();
    out.sync().unwrap();
    drop(out);
    files.rename("x", "y").unwrap();
    files.sync().unwrap();
    assert_eq!(files.list().unwrap(), [("y".to_owned(), 3)]);
    let mut read = String::new();
    std::io::Read::read_to_string(&mut BufReader::new(files.open("y").unwrap()), &mut read).unwrap();
    assert_eq!(read, "abc");
    files.remove("y").unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
