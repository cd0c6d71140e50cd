//! What stands on a terminal after lines were drawn, told and taken away, as an emulator shows it.

use proptest::prelude::*;

use super::{
    live::Live,
    table::{cut, tame, width},
};

const COLUMNS: u16 = 20;
/// Of a terminal that must scroll, and of one that need not.
const ROWS: [u16; 2] = [8, 200];

/// What is done with the lines.
#[derive(Debug, Clone)]
enum Act {
    Draw(Vec<String>),
    Tell(String),
    Erase,
}

fn act() -> impl Strategy<Value = Act> {
    let line = "(\u{1b}\\[3[1-4]m)?[a-c│✔工 ]{0,30}(\u{1b}\\[0m)?";
    prop_oneof![
        4 => proptest::collection::vec(line, 0..6).prop_map(Act::Draw),
        2 => line.prop_map(Act::Tell),
        1 => Just(Act::Erase),
    ]
}

fn plain(line: &str) -> String {
    let mut parser = vt100::Parser::new(1, 400, 0);
    parser.process(line.as_bytes());
    parser.screen().rows(0, 400).next().unwrap().trim_end().to_owned()
}

/// Returns rows without what is blank at their ends and at the end of all.
fn ended(rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut rows: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

proptest! {
    #[test]
    fn the_terminal_shows_what_was_told_and_below_it_what_was_drawn_last(acts in proptest::collection::vec(act(), 1..20)) {
        let mut live = Live::default();
        let mut terminals = ROWS.map(|rows| vt100::Parser::new(rows, COLUMNS, 0));
        let (mut told, mut drawn) = (Vec::new(), Vec::new());
        for act in acts {
            let mut out = Vec::new();
            match act {
                Act::Draw(lines) => {
                    live.draw(&lines, usize::from(COLUMNS), &mut out).unwrap();
                    drawn = lines;
                }
                Act::Tell(line) => {
                    live.tell(&line, &mut out).unwrap();
                    // the terminal breaks it
                    let mut row = vt100::Parser::new(4, COLUMNS, 0);
                    row.process(line.as_bytes());
                    let last = row.screen().cursor_position().0;
                    told.extend(row.screen().rows(0, COLUMNS).take(usize::from(last) + 1));
                }
                Act::Erase => {
                    live.erase(&mut out).unwrap();
                    drawn = Vec::new();
                }
            }
            // as the terminal's driver does
            let out = String::from_utf8(out).unwrap().replace('\n', "\r\n");
            terminals.iter_mut().for_each(|terminal| terminal.process(out.as_bytes()));
        }
        let cells = drawn.iter().map(|line: &String| plain(&cut(line, usize::from(COLUMNS))));
        let expected = ended(told.into_iter().chain(cells));
        let [short, tall] = terminals.map(|terminal| ended(terminal.screen().rows(0, COLUMNS)));
        prop_assert_eq!(&tall, &expected);
        prop_assert!(expected.ends_with(&short), "{short:?} is not the end of {expected:?}");
    }

    #[test]
    fn what_is_cut_fits(text in "(\u{1b}\\[3[1-4]m|\\PC){0,40}", columns in 1_usize..30) {
        prop_assert!(width(&cut(&text, columns)) <= columns.max(1));
        prop_assert!(tame(&text).chars().all(|character| !character.is_control()));
    }
}

#[test]
fn what_has_not_changed_is_not_written_again() {
    let lines = |middle: &str| ["a", middle, "c"].map(str::to_owned).to_vec();
    let mut live = Live::default();
    let mut out = Vec::new();
    live.draw(&lines("b"), 20, &mut out).unwrap();
    out.clear();
    live.draw(&lines("b"), 20, &mut out).unwrap();
    assert!(out.is_empty());
    live.draw(&lines("d"), 20, &mut out).unwrap();
    let written = String::from_utf8(out).unwrap();
    assert!(written.contains('d') && !written.contains('a') && !written.contains('c'), "{written:?}");
}

#[test]
fn lines_that_a_narrower_terminal_has_broken_are_taken_away() {
    let mut live = Live::default();
    let mut out = Vec::new();
    live.draw(&["x".repeat(20), "y".to_owned()], 20, &mut out).unwrap();
    out.clear();
    live.resized(9, &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("\x1b[4A"), "three rows and one");
}
