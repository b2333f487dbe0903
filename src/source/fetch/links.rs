//! What the header `Link` (RFC 8288) says of a feed: its hub, and the address by which the hub knows it.

use reqwest::header::{HeaderMap, LINK};
use url::Url;

/// Links that are read of one answer.
const LINKS_MAX: usize = 20;

/// The links of an answer that are of use here, http or https.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Of relation `hub`: the first, as `WebSub` wants it.
    pub hub: Option<String>,
    /// Of relation `self`.
    pub own: Option<String>,
}

impl Links {
    pub(super) fn read(headers: &HeaderMap, base: &Url) -> Self {
        let mut links = Self::default();
        let lines = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        for (target, relations) in lines.flat_map(each).take(LINKS_MAX) {
            let Ok(url) = base.join(target) else { continue };
            if !matches!(url.scheme(), "http" | "https") {
                continue;
            }
            for relation in relations.split_ascii_whitespace() {
                let place = match relation.to_ascii_lowercase().as_str() {
                    "hub" => &mut links.hub,
                    "self" => &mut links.own,
                    _ => continue,
                };
                place.get_or_insert_with(|| url.to_string());
            }
        }
        links
    }
}

/// Target and relations of each link in a header's value.
fn each(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split('<').skip(1).filter_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_end_matches(',').trim())
        })?;
        Some((target.trim(), relation.trim_matches('"')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], hub: Option<&str>, own: Option<&str>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(LINK, line.parse().unwrap());
        }
        let base = "https://a.example/feed".parse().unwrap();
        let links = Links::read(&headers, &base);
        assert_eq!((links.hub.as_deref(), links.own.as_deref()), (hub, own), "{lines:?}");
    }

    #[test]
    fn hub_and_self() {
        let (hub, own) = (Some("https://hub.example/"), Some("https://a.example/feed?x=1"));
        check(&["<https://hub.example/>; rel=\"hub\", </feed?x=1>; rel=self"], hub, own);
        check(
            &["<https://hub.example/>;rel=hub", "<https://a.example/feed?x=1>; title=x; rel=\"next self\""],
            hub,
            own,
        );
        check(&["<https://hub.example/>; rel=hub, <https://other.example/>; rel=hub"], hub, None);
        check(&["<https://hub.example/>", "rel=hub", "<ftp://a.example/>; rel=hub", ""], None, None);
    }
}
