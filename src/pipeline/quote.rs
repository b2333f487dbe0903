//! Direct speech: where the quotation marks are, and who says what stands between them. Pure.

mod marks;
mod scene;
mod speaker;

use crate::{
    article::{Entity, Quote},
    pipeline::entity::{self, Offsets, Tagged, front},
};

/// Bytes of a text that are read for quotes.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// Who and what an article names, and the quotes of its text in order, none inside another, each with its speaker where
/// the text makes that clear. Headings in quotation marks and titles of works are left out.
pub fn read(
    title: &str,
    text: &str,
    language: Option<&str>,
    names: &entity::Names,
) -> (Vec<Entity>, Vec<Quote>) {
    let tagged = entity::tag(title, text, language, names);
    let quotes = quotes(front(text, TEXT_BYTES_MAX), &tagged);
    (tagged.entities, quotes)
}

/// The same of an article that stands alone: whom a surname means is told by the tracked names.
pub fn read_alone(
    title: &str,
    text: &str,
    language: Option<&str>,
    names: &entity::Names,
) -> (Vec<Entity>, Vec<Quote>) {
    let (mut entities, mut quotes) = read(title, text, language, names);
    entity::resolve(&mut entities, &mut quotes, |surname| names.bearer(surname).map(|name| (name, true)));
    (entities, quotes)
}

fn quotes(text: &str, tagged: &Tagged<'_>) -> Vec<Quote> {
    let spans = marks::spans(text);
    if spans.is_empty() {
        return Vec::new();
    }
    let spoken = speaker::attribute(text, &spans, tagged);
    let mut offsets = Offsets::new(text);
    spoken
        .into_iter()
        .filter_map(|(span, speaker)| {
            Some(Quote {
                text: text.get(span.start..span.end)?.to_owned(),
                start: offsets.characters(span.start),
                end: offsets.characters(span.end),
                speaker,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::entity::Names;

    fn check(text: &str, expected: &[(&str, Option<&str>)]) {
        let (_, found) = read("", text, Some("en"), &Names::default());
        let found: Vec<(&str, Option<&str>)> =
            found.iter().map(|quote| (quote.text.as_str(), quote.speaker.as_deref())).collect();
        assert_eq!(found, expected);
    }

    const VENN: Option<&str> = Some("Margaret Venn");

    #[test]
    fn the_verb_may_stand_behind_before_or_inside() {
        check("“We lost it all,” said Margaret Venn.", &[("We lost it all,", VENN)]);
        check("Margaret Venn said: “We lost it all.”", &[("We lost it all.", VENN)]);
        check(
            "“We lost it,” Margaret Venn said, “all of it.”",
            &[("We lost it,", VENN), ("all of it.", VENN)],
        );
    }

    #[test]
    fn an_aside_is_no_subject_unless_it_is_the_name() {
        check("The leader, Margaret Venn, said: “We lost it.”", &[("We lost it.", VENN)]);
        check("Margaret Venn, who met Ann Quill, said: “We lost it.”", &[("We lost it.", VENN)]);
    }

    #[test]
    fn single_marks_are_no_apostrophes() {
        check(
            "Margaret Venn said: 'It's the boys' fault, isn't it?' The dogs' owner left.",
            &[("It's the boys' fault, isn't it?", VENN)],
        );
    }

    #[test]
    fn quotes_run_on_over_paragraphs() {
        check(
            "Margaret Venn said: “We lost it.\n\n“All of it is gone.”",
            &[("We lost it.\n\n“All of it is gone.", VENN)],
        );
    }

    #[test]
    fn pronouns_are_resolved() {
        check("Margaret Venn left the hall. “It is a shame,” she said.", &[("It is a shame,", VENN)]);
    }

    #[test]
    fn pronouns_know_men_from_women() {
        check(
            "Jean-Pierre Quill met Sylvie Garnot, whose brother waited. “It is a shame,” she said.",
            &[("It is a shame,", Some("Sylvie Garnot"))],
        );
    }

    #[test]
    fn nobody_speaks_of_himself_by_name() {
        check(
            "Margaret Venn spoke. They compared her with Ann Quill. “Quill was lost there,” she said.",
            &[("Quill was lost there,", VENN)],
        );
    }

    #[test]
    fn descriptions_are_resolved() {
        check(
            "Margaret Venn left the hall. “It is a shame,” the Norwegian said.",
            &[("It is a shame,", VENN)],
        );
        check(
            "Margaret Venn left the hall. “It is a shame,” the 34-year-old said.",
            &[("It is a shame,", VENN)],
        );
        check(
            "Gov. Margaret Venn left the hall. “It is a shame,” the governor said.",
            &[("It is a shame,", VENN)],
        );
        check("“It is a shame,” said the board's chairwoman, Margaret Venn.", &[("It is a shame,", VENN)]);
    }

    #[test]
    fn whom_a_body_only_describes_is_nobody() {
        check("A BBC lawyer said Magnus Quill “lost it all there”.", &[("lost it all there", None)]);
    }

    #[test]
    fn another_clause_does_not_speak() {
        check(
            "Margaret Venn called it a “shame for all”, while Magnus Quill said that nothing was lost.",
            &[("shame for all", VENN)],
        );
    }

    #[test]
    fn titles_of_works_are_no_speech() {
        check("Margaret Venn sings in “The Glass Harbour”, a film about the sea.", &[]);
    }

    #[test]
    fn headings_are_left_out() {
        check("Plain text here.\n\n'We lost it all'\n\nMore of it.", &[]);
    }

    #[test]
    fn nobody_named_is_nobody() {
        check("A spokesman said “it is a great shame”.", &[("it is a great shame", None)]);
    }

    #[test]
    fn hostile_text_is_read_in_time() {
        for unit in ["“", "\"a", " 'a", "a' ", "«\n", "' "] {
            let text = unit.repeat(200_000 / unit.len());
            read("", &text, Some("en"), &Names::default());
        }
    }
}
