//! What an overview shows: the latest alerts, the course of coverage, the stories of the last days.

use std::{cmp::Reverse, time::Instant};

use super::{ReadingError, View};
use crate::{
    article::{Alert, Id},
    journal::{JournalError, Line},
    search::{ANY_TOPIC, Bar, By, Filter, Hit, Outline},
};

/// Alerts of one answer.
const ALERTS_MAX: usize = 200;

impl View {
    /// The latest alerts, the newest first: of one topic, or of all.
    ///
    /// # Errors
    /// When index or journal cannot be read, or the deadline passes.
    pub fn alerts(
        &self,
        topic: Option<&str>,
        since: Option<i64>,
        count: usize,
        deadline: Instant,
    ) -> Result<Vec<Alert>, ReadingError> {
        let count = count.min(ALERTS_MAX);
        let told = topic.unwrap_or(ANY_TOPIC).to_owned();
        let filter = Filter { told: Some(told), since, ..Filter::default() };
        let ranked = self.index.ranked(None, &filter, By::Date, count, deadline)?;
        let mut alerts = Vec::new();
        for hit in &ranked.hits {
            let of_line = self.alerts_at(hit)?;
            alerts.extend(of_line.into_iter().filter(|alert| topic.is_none_or(|topic| alert.topic == topic)));
        }
        alerts.sort_by_key(|alert| Reverse(alert.seq));
        alerts.truncate(count);
        Ok(alerts)
    }

    fn alerts_at(&self, hit: &Hit) -> Result<Vec<Alert>, ReadingError> {
        match self.journal.read(hit.at) {
            Ok(Line::Article { alerts, .. } | Line::Notice { alerts, .. }) => Ok(alerts),
            Ok(_) | Err(JournalError::Damaged { .. }) => Ok(Vec::new()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// How many reports of a topic, or of all, came in each of `spans` spans of `width` seconds from `since` on.
    ///
    /// # Errors
    /// When the index cannot be read, or the deadline passes.
    pub fn coverage(
        &self,
        topic: Option<&str>,
        since: i64,
        width: i64,
        spans: usize,
        deadline: Instant,
    ) -> Result<Vec<Bar>, ReadingError> {
        let filter = Filter { topic: topic.map(ToOwned::to_owned), since: Some(since), ..Filter::default() };
        Ok(self.index.histogram(&filter, width, spans, Some(deadline))?)
    }

    /// The stories of several reports that pass the filter, at most `count` after the first `skip`: that with the newest
    /// report first. And how many there are.
    ///
    /// # Errors
    /// When the index cannot be read, or the deadline passes.
    pub fn recent(
        &self,
        filter: &Filter,
        skip: usize,
        count: usize,
        deadline: Instant,
    ) -> Result<(Vec<(Id, Outline)>, usize), ReadingError> {
        let stories = self.index.by_story(filter, deadline)?;
        let several = stories.into_iter().filter(|(_, (reports, _))| *reports > 1);
        let mut stories: Vec<(i64, Id)> = several.map(|(id, (_, last))| (last, id)).collect();
        stories.sort_unstable_by_key(|(last, id)| (Reverse(*last), *id));
        let mut shown = Vec::new();
        for (_, id) in stories.iter().skip(skip).take(count) {
            shown.extend(self.index.outline(*id, Some(deadline))?.map(|outline| (*id, outline)));
        }
        Ok((shown, stories.len()))
    }

    /// Reports and revisions in the index, and bytes of the journal that it lacks yet.
    pub fn extent(&self) -> (u64, u64) {
        (self.index.documents(), crate::search::bytes_from(&self.journal, self.index.position()))
    }
}
