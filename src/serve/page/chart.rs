//! Bars of coverage over time, as SVG, with the same in words for those who do not see it.

use jiff::Timestamp;
use maud::{Markup, html};

use super::parts::{self, Form, counted};
use crate::search::Bar;

const HEIGHT: u32 = 100;
const BAR: usize = 10;
const GAP: usize = 2;

/// The span of one bar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    Hour,
    Day,
}

impl Span {
    pub(super) fn secs(self) -> i64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// How many bars.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Hour => 24,
            Self::Day => 30,
        }
    }

    /// Where the first bar begins, so that the last one holds this moment.
    pub(super) fn since(self, now: Timestamp) -> i64 {
        let secs = self.secs();
        let end = (now.as_second().div_euclid(secs) + 1) * secs;
        end - secs * i64::try_from(self.count()).unwrap_or(0)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Hour => "24 hours",
            Self::Day => "30 days",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// Reports in all bars.
pub(super) fn total(bars: &[Bar]) -> usize {
    bars.iter().map(|bar| (bar.originals + bar.copies) as usize).sum()
}

/// `large` has a scale and a legend.
pub(super) fn chart(bars: &[Bar], since: i64, span: Span, large: bool) -> Markup {
    let most = bars.iter().map(|bar| bar.originals + bar.copies).max().unwrap_or(0);
    let scale = |count: u32| (count * HEIGHT).div_ceil(most.max(1));
    let width = bars.len() * (BAR + GAP);
    let end = since + span.secs() * i64::try_from(bars.len()).unwrap_or(0);
    let copies: usize = bars.iter().map(|bar| bar.copies as usize).sum();
    html! {
        figure.chart.large[large] {
            svg viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label=(in_words(bars, span, copies)) {
                @for (place, bar) in bars.iter().enumerate() {
                    @let (all, own) = (scale(bar.originals + bar.copies), scale(bar.originals));
                    @let at = since + span.secs() * i64::try_from(place).unwrap_or(0);
                    g data-reports=(bar.originals + bar.copies) {
                        title { (label(at, span)) ": " (counted((bar.originals + bar.copies) as usize, "report")) }
                        rect.room x=(place * (BAR + GAP)) y="0" width=(BAR) height=(HEIGHT) {}
                        @if all > 0 {
                            rect.copies x=(place * (BAR + GAP)) y=(HEIGHT - all) width=(BAR) height=(all) {}
                        }
                        @if own > 0 {
                            rect.own x=(place * (BAR + GAP)) y=(HEIGHT - own) width=(BAR) height=(own) {}
                        }
                    }
                }
            }
            figcaption {
                span { (edge(since, span)) }
                @if large {
                    span.legend {
                        span.own { "own words" }
                        @if copies > 0 { span.copies { "copies" } }
                        @if most > 0 { "most in one " (span.noun()) ": " (most) }
                    }
                }
                span { (edge(end - span.secs(), span)) }
            }
        }
    }
}

fn edge(at: i64, span: Span) -> Markup {
    parts::second(at, if span == Span::Hour { Form::Clock } else { Form::Day })
}

fn label(at: i64, span: Span) -> String {
    let time = Timestamp::from_second(at).unwrap_or_default();
    let format = if span == Span::Hour { "%-d %b, %H:%M UTC" } else { "%-d %b %Y" };
    time.strftime(format).to_string()
}

fn in_words(bars: &[Bar], span: Span, copies: usize) -> String {
    let all = total(bars);
    let copies = if copies > 0 { format!(", {copies} of them copies") } else { String::new() };
    format!("{} in {}{copies}", counted(all, "report"), span.words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bar_holds_this_moment() {
        let now: Timestamp = "2026-03-02T15:04:05Z".parse().unwrap();
        for span in [Span::Hour, Span::Day] {
            let last = span.since(now) + span.secs() * (i64::try_from(span.count()).unwrap() - 1);
            assert!((last..last + span.secs()).contains(&now.as_second()));
        }
    }

    #[test]
    fn what_is_there_is_seen_however_little() {
        let bars = [Bar { originals: 1, copies: 0 }, Bar { originals: 800, copies: 200 }, Bar::default()];
        let chart = chart(&bars, 0, Span::Hour, true).into_string();
        assert!(chart.contains(r#"y="99" width="10" height="1""#), "{chart}");
        assert!(chart.contains("1\u{202f}001\u{a0}reports in 24 hours, 200 of them copies"), "{chart}");
        assert_eq!(chart.matches("<rect class=\"own\"").count(), 2);
    }
}
