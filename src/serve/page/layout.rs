//! The frame that all views stand in.

use hyper::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::answer::Page;

/// The one style sheet.
pub(super) const STYLE: &str = include_str!("style.css");
/// Its address; a new version is asked for anew.
pub(super) const STYLE_PATH: &str = concat!("/style-", env!("CARGO_PKG_VERSION"), "-2.css");
/// The one script, part of each page.
pub(super) const SCRIPT: &str = include_str!("script.js");

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 12V9m4 3V5m4 7V7m4 5V3' stroke='%23a63a2a' stroke-width='2.4' stroke-linecap='round'/%3E%3C/svg%3E";

/// The views that can be gone to from anywhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Topics,
    Stories,
    Search,
    Feeds,
    None,
}

const TABS: [(Tab, &str, &str); 4] = [
    (Tab::Topics, "/", "Topics"),
    (Tab::Stories, "/stories", "Stories"),
    (Tab::Search, "/search", "Search"),
    (Tab::Feeds, "/feeds", "Feeds"),
];

/// A whole page.
#[expect(clippy::needless_pass_by_value, reason = "markup is made where it is used")]
pub(super) fn page(tab: Tab, title: &str, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Storywatch" }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    div.bar {
                        a.mark href="/" { "Storywatch" }
                        nav aria-label="Views" {
                            @for (of, path, name) in TABS {
                                @if of == tab { a href=(path) data-name=(name) aria-current="page" { (name) } }
                                @else { a href=(path) data-name=(name) { (name) } }
                            }
                        }
                        @if tab != Tab::Search {
                            form.quick action="/search" role="search" {
                                input type="search" name="q" aria-label="Search all articles" placeholder="Search all articles";
                            }
                        }
                    }
                }
                main #main tabindex="-1" { (main) }
                footer { p data-zone { "All times are UTC." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// A page with nothing but a sentence.
pub(super) fn message(status: StatusCode, title: &str, what: &str) -> Page {
    let main = html! {
        h1 { (title) }
        p.lead { (what) }
        p { a href="/" { "To the topics" } }
    };
    Page { status, markup: page(Tab::None, title, main) }
}
