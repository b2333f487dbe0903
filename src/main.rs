//! Storywatch, the command.

fn main() {}
