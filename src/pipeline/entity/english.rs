//! Whether a text is English: told by its small words, so that most texts need no comparison with all languages.

/// Words of which so many are English that no other language has to be thought of: one in so many.
const ENGLISH_SHARE: usize = 6;

/// And one in so many is a word of no other language.
const ONLY_ENGLISH_SHARE: usize = 16;

/// Words at least.
const WORDS_MIN: usize = 3;

/// The longest of the words below, in bytes.
const WORD_BYTES_MAX: usize = 8;

enum Kind {
    /// Of English and of no other language that is written in these letters.
    Only,
    /// Of English; others may have it too.
    Shared,
}

/// Whether the small words of a text are those of English.
pub(super) fn is_english(text: &str) -> bool {
    let (mut words, mut english, mut only) = (0, 0, 0);
    for word in text.split_ascii_whitespace() {
        words += 1;
        match kind(word.trim_matches(|c: char| c.is_ascii_punctuation())) {
            Some(Kind::Only) => only += 1,
            Some(Kind::Shared) => english += 1,
            None => {}
        }
    }
    english += only;
    words >= WORDS_MIN && english * ENGLISH_SHARE >= words && only * ONLY_ENGLISH_SHARE >= words
}

fn kind(word: &str) -> Option<Kind> {
    let mut lower = [0; WORD_BYTES_MAX];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    match &*lower {
        b"the" | b"and" | b"that" | b"with" | b"his" | b"this" | b"from" | b"were" | b"said" | b"which"
        | b"you" | b"your" | b"they" | b"their" | b"them" | b"would" | b"could" | b"should" | b"about"
        | b"who" | b"what" | b"when" | b"how" | b"been" | b"she" | b"our" | b"its" | b"him" | b"just"
        | b"not" | b"don't" | b"i'm" | b"it's" | b"can't" | b"because" | b"into" | b"before" | b"after"
        | b"there" | b"more" | b"out" | b"up" | b"these" | b"here" | b"get" | b"like" | b"know"
        | b"think" | b"people" | b"need" | b"great" | b"new" | b"first" | b"says" | b"other" | b"where"
        | b"why" | b"while" | b"much" | b"never" | b"always" | b"still" | b"going" | b"make" | b"right"
        | b"world" | b"years" | b"three" | b"being" | b"did" | b"does" | b"doing" | b"didn't"
        | b"doesn't" | b"isn't" | b"wasn't" | b"that's" | b"he's" | b"she's" | b"let's" | b"you're"
        | b"we're" | b"they're" | b"i've" | b"i'll" | b"won't" | b"very" | b"really" | b"things"
        | b"every" | b"another" | b"through" | b"against" | b"those" | b"got" | b"look" | b"way"
        | b"down" | b"please" | b"thanks" | b"yes" | b"yeah" | b"again" | b"better" | b"anyone" | b"now"
        | b"such" | b"wait" | b"love" | b"ever" | b"any" | b"can" => Some(Kind::Only),
        b"of" | b"to" | b"is" | b"for" | b"was" | b"by" | b"has" | b"have" | b"are" | b"it" | b"he"
        | b"at" | b"in" | b"on" | b"i" | b"be" | b"as" | b"or" | b"so" | b"do" | b"if" | b"no" | b"my"
        | b"me" | b"we" | b"will" | b"but" | b"all" | b"her" | b"had" | b"than" | b"a" | b"an" | b"good"
        | b"some" | b"then" | b"many" | b"take" | b"two" | b"well" | b"own" | b"off" | b"too" | b"only"
        | b"see" | b"day" | b"back" | b"most" => Some(Kind::Shared),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english() {
        for text in [
            "The harbour was closed on Monday, the mayor said.",
            "Great place to see what they make!",
            "I don't know where he's going",
            "WHY THE FERRY WAS HALTED",
        ] {
            assert!(is_english(text), "{text}");
        }
    }

    #[test]
    fn not_english_or_not_surely() {
        for text in [
            "Lindmouth harbour: crane falls",
            "Der Hafen war am Montag zu, so die Stadt; was an Land in Not ist, kam auf die Stege. Also gut.",
            "De haven was op maandag dicht, want er is een kraan over de kade in het water gevallen.",
            "Havnen i byen var lukket i dag, for at ingen skulle komme under kranen, der stod over vandet her.",
            "Hamnen var stängd i dag; man får inte vara under kranen som är på väg in i vattnet.",
            "Havna var stengt i dag for at ingen skal komme under kranen som er over vannet, men det er best i land.",
            "El puerto no abre hoy: he de ir a ver si la grúa ha caído en el agua, me dice el alcalde.",
            "O porto some do mapa: do cais, a grua caiu no mar as onze, e no time do prefeito me dizem que se fecha.",
            "Le port est fermé, on a vu la grue tomber; il y a six as du club sur place, or on me dit de sortir.",
            "Il porto non apre: i tecnici in sede e a bordo si sono detti pronti, per me è un no.",
            "W porcie i na morzu do rana nic nie ruszy, bo dźwig spadł do wody i to on je blokuje.",
            "Most se zavře do rána, a to je pro nás no a co; on se na to dívá.",
            "A híd most zárva van, de a kikötő is az, ha be nem fejezik a munkát.",
            "El port no obre fins a final de any, on va caure la grua; he anat a veure si hi ha algú.",
        ] {
            assert!(!is_english(text), "{text}");
        }
    }
}
