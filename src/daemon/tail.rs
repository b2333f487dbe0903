//! Alerts from a time on: from the journal, which has them all, whatever became of the log.

use std::io::Write;

use jiff::Timestamp;

use crate::{
    alert::tail::{self, Filter, Style, TailError},
    article::Alert,
    config::Config,
    journal::{JournalError, Line, Position, reader::Reader},
};

/// Shows the last `lines` alerts from `since` on that the filter lets through, or all of them, and with `follow` each
/// new one as the log gets it.
///
/// # Errors
/// When journal or log cannot be read, or the reader of `out` is gone.
pub fn tail_since(
    config: &Config,
    since: Timestamp,
    filter: &Filter,
    style: Style,
    (lines, follow): (Option<usize>, bool),
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let earlier = |show: &mut dyn FnMut(&Alert) -> Result<(), TailError>| -> anyhow::Result<()> {
        let mut skipped = match lines {
            None => 0,
            Some(lines) => {
                let mut count = 0_usize;
                each(config, since, &mut |alert| {
                    count += usize::from(filter.is_for(alert));
                    Ok(())
                })?;
                count.saturating_sub(lines)
            }
        };
        each(config, since, &mut |alert| {
            if filter.is_for(alert) && skipped > 0 {
                skipped -= 1;
                return Ok(());
            }
            Ok(show(alert)?)
        })
    };
    if follow {
        return tail::follow_after(&config.alerts.log, filter, style, out, earlier);
    }
    earlier(&mut |alert| tail::show_alert(alert, filter, style, out))
}

/// Every alert from the day of `since` on.
fn each(
    config: &Config,
    since: Timestamp,
    each: &mut dyn FnMut(&Alert) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let journal = Reader::open(&config.state_dir)?;
    // What was told then stands in that day's file or in a later one: time in the journal does not go back.
    let day = since.max(Timestamp::UNIX_EPOCH).strftime("%Y%m%d").to_string().parse().unwrap_or(0);
    for line in journal.scan(Position { day, offset: 0 })? {
        match line {
            Ok((_, Line::Article { alerts, .. } | Line::Notice { alerts, .. })) => {
                alerts.iter().try_for_each(&mut *each)?;
            }
            Ok(_) => {}
            Err(fault @ JournalError::Damaged { .. }) => tracing::warn!("{fault}"),
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(())
}
