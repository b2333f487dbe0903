//! Articles over which the program has ended too often are refused, and each is noted while it is worked on.

use std::sync::Once;

use super::{decide, entity::Names};
use crate::{
    article::{Article, Rejected},
    poison::Reading,
};

/// Models are unpacked when they are first needed, which takes longer than any article. Once, and before anything is noted:
/// a process that is killed meanwhile has not died over an article.
pub(super) fn load_models(names: &Names) {
    static LOADED: Once = Once::new();
    LOADED.call_once(|| {
        let text =
            "The mayor of Lindmouth, Anna Berg, said on Monday that the bridge would be closed for a week.";
        let article =
            Article { title: "Bridge closed".to_owned(), text: text.to_owned(), ..Article::default() };
        drop(decide::analyse(&article, names));
    });
}

/// The right to work on an article, else why it is refused.
pub(super) fn admit(article: &Article) -> Result<Reading, Box<Rejected>> {
    let words = format!("{}\n\n{}", article.title, article.text);
    let name = || article.url.clone().unwrap_or_else(|| article.title.clone());
    let place = || format!("article {} of {}", name(), article.origin);
    Reading::of(words.as_bytes(), place).map_err(|quarantined| {
        Box::new(Rejected {
            origin: article.origin.clone(),
            place: name(),
            reason: quarantined.to_string(),
            input_id: article.input_id.clone(),
            seen_at: article.seen_at,
        })
    })
}
