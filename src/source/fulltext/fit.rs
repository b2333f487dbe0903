//! Whether a page that was got is the article of its item, whole: not a wall, not a question, not another page. Pure.

use std::collections::HashSet;

use url::Url;

use crate::{article::Article, source::page::Page};

/// An article has at least so many words.
const WORDS_MIN: usize = 40;

/// Characters a word, in scripts without spaces; longer than words are in the others, spaces included.
const WORD_CHARS: usize = 8;

/// Below so many words a page that is marked as paid, or speaks of a wall, shows its beginning only.
const PAID_WORDS_MIN: usize = 250;

/// Below so many words a page that speaks of consent is about nothing else.
const CONSENT_WORDS_MAX: usize = 400;

/// Where a wall is told of: at the end of what is shown, in characters.
const END_CHARS: usize = 600;

/// Words of a title with fewer letters say little.
const LETTERS_MIN: usize = 4;

/// So many of the title's words stand in its article, at least: one of so many.
const TITLE_SHARE: usize = 3;

/// What a wall says, in lower case.
const WALLS: [&str; 54] = [
    "to continue reading",
    "to keep reading",
    "to read the full",
    "to read this article",
    "to read the rest",
    "subscribe to read",
    "subscribe to unlock",
    "subscribers only",
    "for subscribers",
    "subscriber-only",
    "already a subscriber",
    "already subscribed",
    "unlock this article",
    "this article is for",
    "log in to read",
    "sign in to read",
    "register to read",
    "free articles",
    "um weiterzulesen",
    "jetzt weiterlesen",
    "weiterlesen mit",
    "nur für abonnenten",
    "exklusiv für abonnenten",
    "bereits abonnent",
    "schon abonnent",
    "mit einem abo",
    "réservé aux abonnés",
    "réservée aux abonnés",
    "pour lire la suite",
    "déjà abonné",
    "il vous reste",
    "suscríbete para",
    "para seguir leyendo",
    "solo para suscriptores",
    "exclusivo para assinantes",
    "para continuar lendo",
    "per continuare a leggere",
    "riservato agli abbonati",
    "om verder te lezen",
    "logga in för att läsa",
    "å lese videre",
    "saken er for abonnenter",
    "kun for abonnenter",
    "at læse videre",
    "vain tilaajille",
    "aby czytać dalej",
    "tylko dla prenumeratorów",
    "tylko dla subskrybentów",
    "pouze pro předplatitele",
    "csak előfizetőknek",
    "только для подписчиков",
    "μόνο για συνδρομητές",
    "有料会員限定",
    "続きを読むには",
];

/// What stands in the address of a page that asks for consent or a password.
const GATES: [&str; 14] = [
    "consent",
    "cookiewall",
    "cookie-wall",
    "privacy-gate",
    "privacygate",
    "privacy-wall",
    "/login",
    "/signin",
    "/sign-in",
    "/subscribe",
    "/abo/",
    "/captcha",
    "/challenge",
    "geoblock",
];

/// What such a page says, in lower case.
const QUESTIONS: [&str; 22] = [
    "accept all cookies",
    "accept cookies",
    "we and our partners",
    "our partners process",
    "use cookies",
    "your privacy",
    "before you continue",
    "cookie settings",
    "enable javascript",
    "javascript is disabled",
    "verify you are human",
    "checking your browser",
    "access denied",
    "not available in your",
    "alle akzeptieren",
    "cookies akzeptieren",
    "unsere partner",
    "ihre privatsphäre",
    "nos partenaires",
    "accepter les cookies",
    "aceptar cookies",
    "nuestros socios",
];

/// Whether the whole of a page speaks of a wall; the article's own words may be without it.
pub(super) fn speaks_of_wall(html: &str) -> bool {
    let html = html.to_lowercase();
    WALLS.iter().any(|mark| html.contains(mark))
}

/// Why a page is not taken for the article of its item. `asked` is where the item leads, `at` where the page was.
pub(super) fn unfit(
    page: &Page,
    walled: bool,
    article: &Article,
    asked: &Url,
    at: &Url,
) -> Option<&'static str> {
    let words = words_in(&page.text);
    let shown = page.text.to_lowercase();
    let says = |marks: &[&str], text: &str| marks.iter().any(|mark| text.contains(mark));
    let (gate, asked_at) = (at.as_str().to_lowercase(), asked.as_str().to_lowercase());
    if GATES.iter().any(|mark| gate.contains(mark) && !asked_at.contains(mark)) {
        return Some("it leads to a page that wants consent or a password");
    }
    if matches!(at.path(), "" | "/") && !matches!(asked.path(), "" | "/") {
        return Some("it leads to the front page of a site");
    }
    let end = shown.char_indices().rev().nth(END_CHARS - 1).map_or(0, |(at, _)| at);
    let ends_at_wall = says(&WALLS, shown.get(end..).unwrap_or(&shown));
    if ends_at_wall || ((page.paid || walled) && words < PAID_WORDS_MIN) {
        return Some("it is behind a paywall");
    }
    if words < CONSENT_WORDS_MAX && says(&QUESTIONS, &shown) && !tells(&page.text, article) {
        return Some("it asks for consent instead of telling the news");
    }
    if words < WORDS_MIN || words <= words_in(&article.text) {
        return Some("there is no more text in it than the feed gives");
    }
    let whole = format!("{}\n{shown}", page.title.to_lowercase());
    (!tells(&whole, article)).then_some("it is not about what the feed says")
}

/// How many words a text has, about; also in scripts that put no space between them.
fn words_in(text: &str) -> usize {
    text.split_whitespace().count().max(text.chars().count() / WORD_CHARS)
}

/// Whether a text has enough of the words of an item's title, or of its teaser where it has no title.
fn tells(text: &str, article: &Article) -> bool {
    let subject = if article.title.is_empty() { &article.text } else { &article.title };
    let subject = words(subject);
    if subject.len() < 2 {
        return true;
    }
    let text = words(text);
    let told = subject.iter().filter(|word| text.contains(*word)).count();
    told * TITLE_SHARE >= subject.len()
}

fn words(text: &str) -> HashSet<String> {
    let words =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().nth(LETTERS_MIN - 1).is_some());
    words.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWS: &str = "The harbour of Lindmouth was closed after a crane fell, the mayor said on Monday. ";

    fn check(page: &Page, at: &str, expected: Option<&str>) {
        let article = Article {
            title: "Crane falls in Lindmouth harbour".to_owned(),
            text: "A crane fell.".to_owned(),
            ..Article::default()
        };
        let [asked, at] = ["https://paper.example/news/7", at].map(|url| Url::parse(url).unwrap());
        let reason = unfit(page, false, &article, &asked, &at);
        assert!(
            match (reason, expected) {
                (Some(reason), Some(expected)) => reason.contains(expected),
                (None, None) => true,
                _ => false,
            },
            "{reason:?} is not {expected:?}: {page:?}"
        );
    }

    fn page(text: &str) -> Page {
        Page { text: text.to_owned(), ..Page::default() }
    }

    #[test]
    fn the_article_is_taken() {
        check(&page(&NEWS.repeat(10)), "https://paper.example/news/7", None);
        check(
            &page(&format!("{}It uses cookies. Your privacy matters.", NEWS.repeat(10))),
            "https://paper.example/x",
            None,
        );
        check(&Page { paid: true, ..page(&NEWS.repeat(40)) }, "https://paper.example/x", None);
    }

    #[test]
    fn a_wall_is_not() {
        check(&Page { paid: true, ..page(&NEWS.repeat(10)) }, "https://paper.example/x", Some("paywall"));
        check(
            &page(&format!("{}Subscribe to continue reading", NEWS.repeat(10))),
            "https://paper.example/x",
            Some("paywall"),
        );
        check(
            &page(&format!("{}Jetzt weiterlesen mit P+", NEWS.repeat(10))),
            "https://paper.example/x",
            Some("paywall"),
        );
    }

    #[test]
    fn walls_are_known_in_other_languages() {
        for said in ["Logg inn for å lese videre", "Kup prenumeratę, aby czytać dalej", "続きを読むには登録"]
        {
            check(&page(&format!("{}{said}", NEWS.repeat(10))), "https://paper.example/x", Some("paywall"));
        }
    }

    #[test]
    fn words_are_counted_where_no_space_parts_them() {
        let article = Article {
            title: "港でクレーンが倒れた".to_owned(),
            text: "クレーンが倒れた。".to_owned(),
            ..Article::default()
        };
        let url = Url::parse("https://paper.example/x").unwrap();
        let reason = |text: &str| unfit(&page(text), false, &article, &url, &url);
        assert_eq!(reason(&"月曜日に港でクレーンが倒れたと市長が述べた。".repeat(20)), None);
        assert!(reason("クレーンが倒れた。").is_some_and(|reason| reason.contains("no more text")));
    }

    #[test]
    fn a_wall_may_stand_beside_the_article() {
        assert!(speaks_of_wall("<div class=box>Already a <b>subscriber</b>? Subscribe to READ</div>"));
        assert!(!speaks_of_wall("<p>The harbour is closed</p>"));
        let article = Article { title: "Crane falls in Lindmouth".to_owned(), ..Article::default() };
        let url = Url::parse("https://paper.example/x").unwrap();
        let reason = |words| unfit(&page(&NEWS.repeat(words)), true, &article, &url, &url);
        assert_eq!((reason(10), reason(40)), (Some("it is behind a paywall"), None));
    }

    #[test]
    fn a_question_is_not() {
        check(
            &page(&"We and our partners store your choices. ".repeat(20)),
            "https://paper.example/x",
            Some("asks for consent"),
        );
        check(&page(&NEWS.repeat(10)), "https://consent.paper.example/?to=7", Some("wants consent"));
        check(&page(&NEWS.repeat(10)), "https://paper.example/login?next=7", Some("a password"));
    }

    #[test]
    fn another_page_is_not() {
        check(&page(&NEWS.repeat(10)), "https://paper.example/", Some("front page"));
        check(
            &page(&"Nothing was found under that address. ".repeat(10)),
            "https://paper.example/x",
            Some("not about"),
        );
        check(&page("A crane fell in Lindmouth."), "https://paper.example/x", Some("no more text"));
    }

    #[test]
    fn what_has_no_words_to_compare_is_believed() {
        let article = Article { title: "港口".to_owned(), ..Article::default() };
        let url = Url::parse("https://paper.example/x").unwrap();
        assert_eq!(unfit(&page(&NEWS.repeat(10)), false, &article, &url, &url), None);
    }
}
