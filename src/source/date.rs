//! Dates as the world writes them. A date without a zone is UTC, one without a time is midnight.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

/// Longest text that is looked at, in bytes.
const DATE_BYTES_MAX: usize = 100;

/// Reads a date; `None` where it is none.
pub fn parse(raw: &str) -> Option<Timestamp> {
    let text = raw.trim();
    if text.is_empty() || text.len() > DATE_BYTES_MAX {
        return None;
    }
    text.parse().ok().or_else(|| counted(text)).or_else(|| compact(text)).or_else(|| lenient(text))
}

/// `20170302T150405` as agencies write it, without a zone.
fn compact(text: &str) -> Option<Timestamp> {
    let at: DateTime = text.contains('T').then(|| text.parse().ok()).flatten()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Seconds since 1970, or thousandths of them.
fn counted(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match text.len() {
        10 => Timestamp::from_second(text.parse().ok()?).ok(),
        13 => Timestamp::from_millisecond(text.parse().ok()?).ok(),
        _ => None,
    }
}

/// What a date is made of, as far as it was read.
#[derive(Debug, Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<Time>,
    offset_secs: Option<i32>,
    zone: Option<TimeZone>,
    afternoon: Option<bool>,
}

fn lenient(text: &str) -> Option<Timestamp> {
    let mut parts = Parts::default();
    let (date, rest) = numeric_date(text).unwrap_or((None, text));
    if let Some(date) = date {
        parts.year = Some(date.year());
        parts.month = Some(date.month());
        parts.day = Some(date.day());
    }
    let tokens =
        rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')')).filter(|t| !t.is_empty());
    tokens.for_each(|token| read(&mut parts, token));
    let date = Date::new(parts.year?, parts.month?, parts.day?).ok()?;
    let mut time = parts.time.unwrap_or(Time::midnight());
    if let Some(afternoon) = parts.afternoon {
        let hour = time.hour() % 12 + if afternoon { 12 } else { 0 };
        time = Time::new(hour, time.minute(), time.second(), 0).ok()?;
    }
    let offset = Offset::from_seconds(parts.offset_secs.unwrap_or(0)).ok()?;
    let zone = parts.zone.unwrap_or(TimeZone::fixed(offset));
    let at = DateTime::from_parts(date, time).to_zoned(zone).ok()?;
    Some(at.timestamp())
}

/// `2017-03-02`, `2017/3/2`, `20170302` at the start, and what follows it.
fn numeric_date(text: &str) -> Option<(Option<Date>, &str)> {
    let head = text.get(..4)?;
    let year: i16 = head.bytes().all(|b| b.is_ascii_digit()).then(|| head.parse().ok()).flatten()?;
    let rest = text.get(4..)?;
    let mark = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'));
    let (month, day, rest) = match mark {
        Some(mark) => {
            let (month, rest) = digits(rest.get(1..)?, 2)?;
            let (day, rest) = rest.strip_prefix(mark).and_then(|rest| digits(rest, 2)).unwrap_or((1, rest));
            (month, day, rest)
        }
        None if rest.is_empty() => return None,
        None => {
            let (month, rest) = digits(rest, 2)?;
            let (day, rest) = digits(rest, 2)?;
            (month, day, rest)
        }
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let rest = rest.strip_prefix(['T', 't']).unwrap_or(rest);
    if rest.starts_with(|c: char| c.is_ascii_digit()) && mark.is_none() && !rest.contains(':') {
        return None;
    }
    Some((Some(date), rest))
}

fn digits(text: &str, most: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(length)?;
    Some((number.parse().ok()?, rest))
}

fn read(parts: &mut Parts, token: &str) {
    // `Europe/Berlin`, as far as this system knows its zones
    if token.starts_with(|c: char| c.is_ascii_uppercase())
        && token.contains('/')
        && let Ok(zone) = TimeZone::get(token)
    {
        parts.zone = Some(zone);
        return;
    }
    let starts_with_digit = token.starts_with(|c: char| c.is_ascii_digit());
    if starts_with_digit && token.contains(':') {
        return read_time(parts, token);
    }
    if starts_with_digit {
        return read_number(parts, token);
    }
    if let Some(secs) = token.strip_prefix('+').and_then(offset_secs) {
        parts.offset_secs = Some(secs);
    } else if let Some(secs) = token.strip_prefix(['-', '−']).and_then(offset_secs) {
        parts.offset_secs = Some(-secs);
    } else {
        read_word(parts, &token.to_lowercase());
    }
}

fn read_time(parts: &mut Parts, token: &str) {
    let end = token.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(token.len());
    let (clock, zone) = token.split_at_checked(end).unwrap_or((token, ""));
    let mut numbers = clock.split(':').map(|part| part.split('.').next().unwrap_or("").parse::<i8>());
    let (Some(Ok(hour)), Some(Ok(minute))) = (numbers.next(), numbers.next()) else { return };
    let second = numbers.next().and_then(Result::ok).unwrap_or(0).min(59);
    parts.time = Time::new(hour % 24, minute, second, 0).ok();
    if !zone.is_empty() && !zone.contains(':') || zone.starts_with(['+', '-']) {
        read(parts, zone);
    }
}

fn read_number(parts: &mut Parts, token: &str) {
    if let [day, month, year] = token.split('-').collect::<Vec<_>>().as_slice() {
        for part in [day, month, year] {
            read(parts, part);
        }
        return;
    }
    let end = token.find(|c: char| !c.is_ascii_digit()).unwrap_or(token.len());
    let Ok(number) = token.get(..end).unwrap_or("").parse::<i16>() else { return };
    match (end, parts.day) {
        (4, _) => parts.year = Some(number),
        (1 | 2, None) => parts.day = i8::try_from(number).ok(),
        // two digits after the day: RFC 822's year
        (2, Some(_)) if parts.year.is_none() => {
            parts.year = Some(number + if number < 70 { 2000 } else { 1900 });
        }
        _ => {}
    }
}

fn offset_secs(text: &str) -> Option<i32> {
    let plain: String = text.chars().filter(|c| *c != ':').collect();
    let is_offset = plain.len() <= 4 && plain.bytes().all(|b| b.is_ascii_digit());
    let number: i32 = is_offset.then(|| plain.parse().ok()).flatten()?;
    let (hours, minutes) = if plain.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
    (hours <= 15 && minutes < 60).then_some(hours * 3600 + minutes * 60)
}

/// Beginnings of the months' names in the languages of Europe: English, German, French, Spanish, Italian, Portuguese,
/// Dutch, the Scandinavian ones, Polish, Hungarian, Finnish, Russian, Greek. The longest that fits is meant.
const MONTHS: [&[&str]; 12] = [
    &["jan", "jän", "jaen", "ene", "gen", "sty", "tammi", "янв", "ιαν"],
    &["feb", "fev", "fév", "lut", "helmi", "фев", "φεβ"],
    &["mar", "mär", "maer", "mrz", "mrt", "maart", "már", "maalis", "мар", "μαρ", "μάρ"],
    &["apr", "avr", "abr", "ápr", "kwi", "huhti", "апр", "απρ"],
    &["may", "mai", "mei", "mag", "maj", "máj", "touko", "мая", "май", "μάι", "μαΐ", "μαϊ"],
    &["jun", "juin", "giu", "cze", "jún", "kesä", "июн", "ιουν", "ιούν"],
    &["jul", "juil", "lug", "lip", "júl", "heinä", "июл", "ιουλ", "ιούλ"],
    &["aug", "aoû", "aou", "ago", "sie", "elo", "авг", "αυγ", "αύγ"],
    &["sep", "set", "szept", "wrz", "syys", "сен", "σεπ"],
    &["oct", "okt", "ott", "out", "paź", "loka", "окт", "οκτ"],
    &["nov", "lis", "marras", "ноя", "νοε", "νοέ"],
    &["dec", "dez", "déc", "dic", "des", "gru", "joulu", "дек", "δεκ"],
];

/// The month that a word of any of these languages names; longer words that only begin so name none.
pub(crate) fn month_named(word: &str) -> Option<i8> {
    const MONTH_CHARS_MAX: usize = 12;
    let letters = word.chars().count();
    (3..=MONTH_CHARS_MAX).contains(&letters).then(|| month(&word.to_lowercase())).flatten()
}

fn month(word: &str) -> Option<i8> {
    let named =
        |names: &[&str]| names.iter().filter(|name| word.starts_with(*name)).map(|name| name.len()).max();
    let fitting = (1..).zip(MONTHS).filter_map(|(month, names)| Some((named(names)?, month)));
    fitting.max_by_key(|(length, _)| *length).map(|(_, month)| month)
}

/// Zones by name, in hours from UTC: RFC 822's, and those that European agencies write.
const ZONES: [(&str, i32); 20] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("bst", 1),
    ("wet", 0),
    ("west", 1),
    ("cet", 1),
    ("cest", 2),
    ("eet", 2),
    ("eest", 3),
    ("msk", 3),
];

fn read_word(parts: &mut Parts, word: &str) {
    let word = word.trim_end_matches('.');
    match word {
        "am" | "a.m" => parts.afternoon = Some(false),
        "pm" | "p.m" => parts.afternoon = Some(true),
        _ => {
            if let Some((_, hours)) = ZONES.iter().find(|(zone, _)| *zone == word) {
                parts.offset_secs = Some(hours * 3600);
            } else if let Some((_, offset)) =
                word.split_once('+').filter(|(zone, _)| matches!(*zone, "gmt" | "utc"))
            {
                parts.offset_secs = offset_secs(offset);
            } else if let Some(month) = month(word) {
                // a weekday before it may begin as a month does
                parts.month = Some(month);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        assert_eq!(parse(raw).map(|at| at.to_string()).unwrap_or_default(), expected, "{raw}");
    }

    #[test]
    fn zones_by_place_are_those_of_the_system() {
        let known = TimeZone::get("America/New_York").is_ok();
        let expected = if known { "2017-03-02T14:15:00Z" } else { "2017-03-02T09:15:00Z" };
        check("Thu, 02 Mar 2017 09:15:00 America/New_York", expected);
    }

    #[test]
    fn written_by_machines() {
        check("2017-03-02T15:04:05Z", "2017-03-02T15:04:05Z");
        check("2017-03-02T15:04:05+01:00", "2017-03-02T14:04:05Z");
        check("2017-03-02T15:04:05", "2017-03-02T15:04:05Z");
        check("2017-03-02T15:04-0500", "2017-03-02T20:04:00Z");
        check("2017-03-02", "2017-03-02T00:00:00Z");
        check("2017/3/2 15:04", "2017-03-02T15:04:00Z");
        check("2017-03", "2017-03-01T00:00:00Z");
        check("20170302", "2017-03-02T00:00:00Z");
        check("20170302T150405Z", "2017-03-02T15:04:05Z");
        check("20170302T150405", "2017-03-02T15:04:05Z");
        check("20170302T150405+0100", "2017-03-02T14:04:05Z");
    }

    #[test]
    fn a_leap_second_is_the_one_before_it() {
        check("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z");
        check("Sat, 31 Dec 2016 23:59:60 GMT", "2016-12-31T23:59:59Z");
        check("20161231T235960", "2016-12-31T23:59:59Z");
    }

    #[test]
    fn written_by_mail_programs() {
        check("Thu, 02 Mar 2017 15:04:05 GMT", "2017-03-02T15:04:05Z");
        check("Wrong, 2 March 2017 15:04 EST", "2017-03-02T20:04:00Z");
        check("02 Mar 17 15:04:05 +0100", "2017-03-02T14:04:05Z");
        check("Thu Mar  2 15:04:05 2017", "2017-03-02T15:04:05Z");
        check("Thu, 02 Mar 2017 09:15:00 ../etc/passwd", "2017-03-02T09:15:00Z");
        check("Thu, 02-Mar-2017 15:04:05 UTC", "2017-03-02T15:04:05Z");
        check("Thu, 02 Mar 2017 15:04:05 +607:08209", "2017-03-02T15:04:05Z");
    }

    #[test]
    fn counted_from_1970() {
        check("1488467045", "2017-03-02T15:04:05Z");
        check("1488467045000", "2017-03-02T15:04:05Z");
    }

    #[test]
    fn written_in_many_languages() {
        for month in [
            "Mär",
            "März",
            "mars",
            "marzo",
            "março",
            "mrt.",
            "maart",
            "marca",
            "márc.",
            "maaliskuuta",
            "марта",
            "Μάρτιος",
        ] {
            check(&format!("Do, 02 {month} 2017 15:04:05 +0100"), "2017-03-02T14:04:05Z");
        }
        check("mar. 2 mai 2017", "2017-05-02T00:00:00Z");
        check("2. marraskuuta 2017", "2017-11-02T00:00:00Z");
        check("2 de agosto de 2017", "2017-08-02T00:00:00Z");
        check("16 août 2017", "2017-08-16T00:00:00Z");
    }

    #[test]
    fn written_by_people() {
        check("March 2, 2017, 9:15 PM", "2017-03-02T21:15:00Z");
        check("2 March 2017", "2017-03-02T00:00:00Z");
        check("12:05 a.m. March 2 2017", "2017-03-02T00:05:00Z");
    }

    #[test]
    fn what_is_no_date() {
        for raw in [
            "",
            "yesterday",
            "2017",
            "2017-13-02",
            "31 Feb 2017",
            "99999999999",
            "-",
            "::",
            "T",
            "é–",
            "1:2:3:4",
        ] {
            check(raw, "");
        }
        check(&"1 ".repeat(60), "");
    }
}
