//! The demo's outlets and what they publish. Country, people, bodies, papers and events are all invented.
//!
//! The reports on the first event are of real-world difficulty: five outlets tell the same facts in words and an order
//! of their own, one under a date and a caption, with single, double and typographic marks around what people say,
//! and with people by their surname alone after the first mention.

/// An invented outlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlet {
    /// As people say it.
    pub name: &'static str,
    /// Of its articles.
    pub host: &'static str,
    /// How its articles reach the daemon.
    pub via: Via,
}

/// How an outlet's articles reach the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A feed in RSS 2.0.
    Rss,
    /// A feed in Atom.
    Atom,
    /// Files in the drop directory.
    Drop,
}

/// What a piece tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// The one that the demo's topic tracks.
    Minister,
    /// Told by two outlets, tracked by nobody.
    Bridge,
    /// Told by one.
    Honey,
}

/// What makes a piece one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the outlet's own words.
    Report,
    /// Another outlet's words.
    Copy,
    /// A report of before, under the same address, with new facts.
    Update,
}

/// One article in one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Who publishes it.
    pub outlet: Outlet,
    /// Below the outlet's host, from `/`.
    pub path: &'static str,
    /// Headline.
    pub title: &'static str,
    /// A line a paragraph.
    pub text: &'static str,
    /// Before the demo began.
    pub published_minutes_ago: u32,
    /// Published together with all of the same number, from 1.
    pub wave: u8,
    /// What it tells of.
    pub story: Story,
    /// Report, copy or update.
    pub kind: Kind,
}

impl Piece {
    /// The address of the article.
    pub fn url(&self) -> String {
        format!("https://{}{}", self.outlet.host, self.path)
    }
}

/// The number of the last wave.
pub const WAVES: u8 = 4;

const HARBOUR_POST: Outlet = Outlet { name: "Harbour Post", host: "harbourpost.example", via: Via::Rss };
const COURIER: Outlet =
    Outlet { name: "Northmarch Courier", host: "northmarch-courier.example", via: Via::Atom };
const LANTERN: Outlet = Outlet { name: "The Lantern", host: "thelantern.example", via: Via::Rss };
const TRIBUNE: Outlet = Outlet { name: "Vale Tribune", host: "valetribune.example", via: Via::Atom };
const COAST_EIGHT: Outlet = Outlet { name: "Coast Eight", host: "coasteight.example", via: Via::Rss };
const MERIDIAN: Outlet = Outlet { name: "Meridian Wire", host: "meridianwire.example", via: Via::Drop };

/// The six outlets.
pub const OUTLETS: [Outlet; 6] = [HARBOUR_POST, COURIER, LANTERN, TRIBUNE, COAST_EIGHT, MERIDIAN];

/// What the topic's author had read before: a seventh outlet's report from when the contract was signed.
pub const EXAMPLE_TITLE: &str = "Korrin Marine to deepen Ansgar channel as minister signs contract";

/// Its text.
pub const EXAMPLE_TEXT: &str = "\
Transport Minister Odile Farrenby has signed the largest harbour contract in Verranian history, giving Korrin Marine \
412 million crowns to deepen the shipping channel at Port Ansgar.
The award ends a tender that ran from October to December and drew five bidders. Korrin, whose chief executive Tomas \
Brackholt attended the signing, was not the cheapest of them.
\"The committee looked at quality as well as price, and nobody leaned on it,\" Farrenby told reporters on the quay.
Two of the losing companies said that they would study the decision before they chose whether to complain to the \
Court of Audit. Ines Valdorf, who leads the opposition in parliament, asked for the minister's diary to be published.
Work on the channel is to begin in May and to take three years.";

/// Everything that is published during the demo, in order.
pub fn pieces() -> Vec<Piece> {
    use Kind::{Copy, Report, Update};
    use Story::{Bridge, Honey, Minister};

    let piece = |outlet, path, title, text, published_minutes_ago, wave, story, kind| Piece {
        outlet,
        path,
        title,
        text,
        published_minutes_ago,
        wave,
        story,
        kind,
    };
    vec![
        piece(HARBOUR_POST, FARRENBY_PATH, POST_TITLE, POST_TEXT, 50, 1, Minister, Report),
        piece(TRIBUNE, "/region/tessel-bridge", BRIDGE_TITLE, BRIDGE_TEXT, 45, 1, Bridge, Report),
        piece(LANTERN, "/living/honey-prize", HONEY_TITLE, HONEY_TEXT, 40, 1, Honey, Report),
        piece(COURIER, "/news/4471", COURIER_TITLE, COURIER_TEXT, 31, 2, Minister, Report),
        piece(MERIDIAN, "/w/korrin-minister", WIRE_TITLE, WIRE_TEXT, 28, 2, Minister, Report),
        piece(LANTERN, "/politics/farrenby-korrin", LANTERN_TITLE, LANTERN_TEXT, 17, 3, Minister, Report),
        piece(COAST_EIGHT, "/story/90812", COPY_TITLE, COPY_TEXT, 14, 3, Minister, Copy),
        piece(COAST_EIGHT, "/story/90815", CRACK_TITLE, CRACK_TEXT, 12, 3, Bridge, Report),
        piece(TRIBUNE, "/state/farrenby-calls", TRIBUNE_TITLE, TRIBUNE_TEXT, 6, 4, Minister, Report),
        piece(HARBOUR_POST, FARRENBY_PATH, UPDATE_TITLE, UPDATE_TEXT, 50, 4, Minister, Update),
    ]
}

const FARRENBY_PATH: &str = "/politics/farrenby-met-brackholt";

const POST_TITLE: &str = "Farrenby met Korrin chief twice while harbour tender was open";

const POST_TEXT: &str = "\
Transport Minister Odile Farrenby met the head of Korrin Marine on two occasions while the company was bidding for the \
Port Ansgar dredging contract, documents seen by the Harbour Post show, although she told parliament that she had \
spoken to none of the bidders.
Visitor records of the ministry in Castermouth list Tomas Brackholt, Korrin's chief executive, on 9 November and again \
on 2 December. The tender, worth 412 million crowns, closed on 11 December and was won by Korrin.
Asked by the infrastructure committee on 14 January whether she had met any of the five companies in those months, \
Farrenby said: \"I had no contact with any of the bidders while the tender was open.\"
Her spokeswoman, Mirela Stott, did not dispute the records on Thursday. \"The minister receives many people from the \
industry. These were courtesy visits and the tender was not discussed,\" Stott said.
The opposition leader, Ines Valdorf, called on Farrenby to step down. \"A minister who misleads parliament has no place \
in government, and she must go today,\" Valdorf told reporters outside the chamber.
Prime Minister Aurel Kestrin, who is travelling, has not commented. The Court of Audit said that it had asked the \
ministry for its files on the award in February and was still waiting for part of them.
Korrin Marine declined to comment. Its shares fell by six per cent in early trading.";

const COURIER_TITLE: &str = "Kestrin stands by transport minister over talks with dredging firm";

const COURIER_TEXT: &str = "\
14 January Odile Farrenby answers questions of the infrastructure committee. Picture: Northmarch Courier
The government of Aurel Kestrin is fighting to save one of its best-known faces after it emerged that Odile Farrenby, \
the transport minister, twice received a businessman whose company went on to win a contract from her.
'Ms Farrenby has my full confidence,' the prime minister said on a visit to Northmarch, before he was led away from \
the microphones.
According to the Harbour Post, Tomas Brackholt of Korrin Marine signed in at the ministry in November and in December. \
At that time five companies were competing to deepen the channel at Port Ansgar, a job of more than 400 million crowns.
In January Ms Farrenby had assured members of parliament that there had been nothing of the kind. 'I had no contact \
with any of the bidders while the tender was open,' she said then.
Share this story
Share this story
That sentence may now cost her the post. Ines Valdorf, the leader of the opposition, spoke of a lie to the house. \
Within Mr Kestrin's own coalition, Joren Pell of the Rural League asked for an explanation 'before the weekend, and in \
writing'.
The ministry describes the two appointments as courtesy visits. What was said at them nobody wrote down, a \
spokeswoman confirmed.
The state's auditors have been examining the award since February.";

const WIRE_TITLE: &str = "Verranian minister under pressure over meetings with contractor";

const WIRE_TEXT: &str = "\
CASTERMOUTH (Meridian Wire) - Verrania's transport minister came under growing pressure on Thursday to resign after a \
newspaper reported that she held undisclosed meetings with the winner of a major harbour contract.
Odile Farrenby met Korrin Marine's chief executive Tomas Brackholt at her ministry on Nov. 9 and Dec. 2, when bids for \
the 412 million crown deepening of the Port Ansgar channel were being weighed, the Harbour Post said, citing visitor \
records.
Farrenby told lawmakers in January that she had had \"no contact with any of the bidders\".
A spokeswoman said that the visits were a courtesy and that the tender did not come up.
Opposition leader Ines Valdorf said her party would bring a motion of no confidence next week unless the minister left \
office first. The motion would need nine votes from the governing coalition to pass.
\"We have counted, and they are closer to nine than they think,\" Valdorf said.
Prime Minister Aurel Kestrin said that Farrenby had his full confidence. The Rural League, the smaller partner in his \
coalition, has demanded a written explanation.
Korrin shares closed 7.4 percent lower at 31.20 crowns. Baltram Dredging, which lost the tender, said that it was \
considering legal action.
Farrenby, 52, a former mayor of Castermouth, has run the ministry for four years. Verrania's Court of Audit opened a \
review of the contract in February.";

const LANTERN_TITLE: &str = "The diary, the dredgers and a sentence that would not age";

const LANTERN_TEXT: &str = "\
It took Odile Farrenby eleven seconds in January to say the sentence that may end her career. It took a clerk at the \
ministry's front desk rather less to write down, twice, the name that contradicts it.
That name is Tomas Brackholt. The chief executive of Korrin Marine called on the transport minister in early November \
and once more at the start of December, when Korrin was one of five firms hoping to dredge the channel at Port Ansgar. \
It won.
‘I had no contact with any of the bidders while the tender was open,’ Farrenby told the committee that asked her. On \
Thursday her office no longer said so. It now says that the talk was of other things.
Of what other things? Farrenby did not stop for questions when she arrived at the ministry by a side door this \
morning. ‘You will have a statement,’ she said. By noon there was none.
Her rivals did not wait for it. Valdorf, who has led the opposition for two years and has seldom had such luck, asked \
that the minister clear her desk. Pell, whose Rural League keeps the cabinet in power, was careful to ask for nothing \
yet but paper.
Kestrin could sack her and does not want to. She brought him the capital at the last election. He has said that he \
trusts her fully, which is what Verranian prime ministers say a week before they do not.
The auditors, who have waited since February for two folders from the ministry, may be the ones who decide.";

const TRIBUNE_TITLE: &str = "Coalition partner wants answers from Farrenby by the weekend";

const TRIBUNE_TEXT: &str = "\
Joren Pell, leader of the Rural League, has given Transport Minister Odile Farrenby until Saturday to explain why she \
kept two meetings with a contractor from parliament.
“We were told one thing in January and we read another thing today,” Pell said at a livestock fair in Upper Vale. “My \
members want it in writing, with dates, and they want it from her and not from a press office.”
The League's fourteen seats give Prime Minister Aurel Kestrin his majority. Should nine of them side with Ines Valdorf's \
opposition next week, Farrenby would be the first Verranian minister in a generation to lose a vote of no confidence.
At issue are visits that Tomas Brackholt, who heads the dredging company Korrin Marine, paid to the minister before \
Christmas. Korrin was then bidding for the works at Port Ansgar and was chosen a few days after the second of them.
Farrenby's people call them courtesy visits. Two officials who spoke to the Vale Tribune on condition that they not be \
named said that the minister had asked for the second one herself.
“She rang us, not the other way round,” one of them said.
Baltram Dredging of Upper Vale, which offered to do the work for 30 million crowns less and employs 600 people in the \
region, is expected to complain to the Court of Audit on Monday.
Kestrin has so far defended Farrenby. Valdorf wants her out at once.";

const UPDATE_TITLE: &str = "Farrenby admits third meeting with Korrin chief and offers to resign";

const UPDATE_TEXT: &str = "\
Transport Minister Odile Farrenby has offered her resignation after she admitted to a third meeting with the head of \
Korrin Marine, this one at a private house in Sandrey four days before the company won the Port Ansgar dredging \
contract.
In a letter to Prime Minister Aurel Kestrin, published by the government this afternoon, Farrenby writes that she dined \
with Tomas Brackholt on 7 December as a guest of the shipowner Hollis Arkwend. \"I should have said so in January. I \
did not, and I regret it,\" the letter says. Kestrin has yet to accept the resignation.
The Harbour Post reported this morning that visitor records of the ministry in Castermouth list Brackholt, Korrin's \
chief executive, on 9 November and again on 2 December. The tender, worth 412 million crowns, closed on 11 December and \
was won by Korrin.
Asked by the infrastructure committee on 14 January whether she had met any of the five companies in those months, \
Farrenby said: \"I had no contact with any of the bidders while the tender was open.\"
The public prosecutor, Lene Ostrick, said that her office had opened a preliminary inquiry.
The opposition leader, Ines Valdorf, had called on Farrenby to step down. \"A minister who misleads parliament has no \
place in government, and she must go today,\" Valdorf told reporters outside the chamber.
The Court of Audit said that it had asked the ministry for its files on the award in February and was still waiting \
for part of them.
Korrin Marine declined to comment. Trading in its shares was halted.";

const COPY_TITLE: &str = "Transport minister faces calls to go over harbour deal";

const COPY_TEXT: &str = "\
By Meridian Wire
Verrania's transport minister came under growing pressure on Thursday to resign after a newspaper reported that she \
held undisclosed meetings with the winner of a major harbour contract.
Odile Farrenby met Korrin Marine's chief executive Tomas Brackholt at her ministry on Nov. 9 and Dec. 2, when bids for \
the 412 million crown deepening of the Port Ansgar channel were being weighed, the Harbour Post said, citing visitor \
records.
Farrenby told lawmakers in January that she had had \"no contact with any of the bidders\".
A spokeswoman said that the visits were a courtesy and that the tender did not come up.
Opposition leader Ines Valdorf said her party would bring a motion of no confidence next week unless the minister left \
office first. The motion would need nine votes from the governing coalition to pass.
\"We have counted, and they are closer to nine than they think,\" Valdorf said.
Prime Minister Aurel Kestrin said that Farrenby had his full confidence. The Rural League, the smaller partner in his \
coalition, has demanded a written explanation.
Korrin shares closed 7.4 percent lower at 31.20 crowns. Baltram Dredging, which lost the tender, said that it was \
considering legal action.
Listen to Coast Eight on 88.4";

const BRIDGE_TITLE: &str = "Tessel Bridge shut to lorries after divers find crack in pier";

const BRIDGE_TEXT: &str = "\
Lorries of more than eight tonnes have been banned from the Tessel Bridge since dawn after divers found a crack two \
metres long in its eastern pier.
Bridge master Corvin Hathe said that the damage was discovered on Wednesday evening during a routine inspection that \
had been put off twice because of high water.
“The bridge is not going to fall into the river. But I do not want forty tonnes on it until I know how deep that crack \
goes,” Hathe said.
Hauliers face a detour of 50 kilometres over the pass at Greln. Cars and buses may still cross, at walking pace and in \
one lane. The Vale's two largest dairies said that milk would be collected by night for the time being.
Engineers from the university at Castermouth will take samples on Friday. The bridge, opened 61 years ago, carries \
about 19,000 vehicles a day and was last overhauled after the flood nine years ago.
A new crossing has been in the plans of the regional council for a decade. Councillor Petra Nouwen said that it should \
now be brought forward: “How many more warnings do we need?”";

const CRACK_TITLE: &str = "Long queues at Tessel crossing as engineers examine damaged pier";

const CRACK_TEXT: &str = "\
Drivers waited for up to two hours on both banks of the Tessel on Thursday after the road bridge was reduced to a \
single lane and closed to heavy traffic.
An underwater survey had shown a crack in one of the piers. How long it has been there is not known. Corvin Hathe, who \
is in charge of the bridge, told Coast Eight that the last dive was two years ago.
\"We should have looked in autumn, but the river did not let us,\" Hathe said.
Police turned back dozens of lorries whose drivers had not heard of the ban in time. The only other way across for them \
leads over the Greln pass, where snow was falling at midday.
Petra Nouwen of the regional council demanded that money for a second bridge be found this year. An opinion by \
engineers from Castermouth is expected early next week. Until then the limit of eight tonnes stays in force, and \
ambulances will be waved through.";

const HONEY_TITLE: &str = "Schoolgirl of fourteen takes national prize for lime blossom honey";

const HONEY_TEXT: &str = "\
Most of the beekeepers who queued for the judges' table in Orrin town hall have been at it for decades. The one who \
carried off the blue ribbon has kept bees for two summers and has school on Monday.
Signe Tallow, 14, won the open class of the national honey show with a pale lime blossom honey that the jury called \
‘clean as a bell’. Her three hives stand on the roof of her grandmother's bakery.
‘I thought they had read out the wrong number,’ she said, holding a trophy almost as tall as herself. ‘I have to tell \
the bees.’
Second place went to last year's winner, Abbot Ludo of the monastery at Crane Hill, who took it with grace and asked \
for a jar.
The show had 214 entries, the most for twelve years, although the cold spring has cost many keepers a third of their \
colonies. The jury tastes blind, cleansing the palate with apple and dry bread.
What comes next? Tallow means to build a fourth hive, if her grandmother allows it, and to sit an examination in \
mathematics.";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn six_outlets_publish() {
        let hosts: BTreeSet<&str> = pieces().iter().map(|piece| piece.outlet.host).collect();
        assert_eq!(hosts, OUTLETS.iter().map(|outlet| outlet.host).collect());
    }

    #[test]
    fn five_outlets_report_the_tracked_event_in_their_own_words() {
        let own = |piece: &&Piece| piece.story == Story::Minister && piece.kind == Kind::Report;
        let hosts: BTreeSet<&str> = pieces().iter().filter(own).map(|piece| piece.outlet.host).collect();
        assert_eq!(hosts.len(), 5);
    }

    #[test]
    fn waves_come_in_order() {
        let waves: Vec<u8> = pieces().iter().map(|piece| piece.wave).collect();
        assert!(waves.is_sorted() && waves.first() == Some(&1) && waves.last() == Some(&WAVES));
    }

    #[test]
    fn reports_have_the_length_of_reports() {
        for piece in pieces() {
            let words = piece.text.split_whitespace().count();
            assert!((120..=350).contains(&words), "{}: {words} words", piece.title);
        }
    }

    #[test]
    fn an_update_follows_its_report() {
        for update in pieces().iter().filter(|piece| piece.kind == Kind::Update) {
            let before = |piece: &Piece| piece.url() == update.url() && piece.wave < update.wave;
            assert!(pieces().iter().any(before), "{}", update.title);
        }
    }
}
