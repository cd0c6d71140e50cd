//! Lines at the bottom of a terminal that are drawn anew in place, while others are told above them and stay. What has
//! not changed is not written again, and a terminal that can shows each drawing at once (synchronized output).
//! Not here: what the lines say.
//! Invariant: no drawn line is wider than the terminal, so each takes one row.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::table::{cut, width};

/// The sequences that let a terminal show all between them at once. Source: DEC private mode 2026.
const TOGETHER: [&str; 2] = ["\x1b[?2026h", "\x1b[?2026l"];

/// Lines that stand at the bottom of a terminal.
#[derive(Debug, Default)]
pub struct Live {
    drawn: Vec<String>,
}

impl Live {
    /// Tells a line above, which stays.
    ///
    /// # Errors
    /// Writing failed.
    pub fn tell(&mut self, line: &str, out: &mut dyn Write) -> io::Result<()> {
        let mut text = self.up();
        let _ = writeln!(text, "\x1b[J{line}");
        for line in &self.drawn {
            let _ = writeln!(text, "{line}");
        }
        show(&text, out)
    }

    /// Draws the lines, each cut to `columns`, in the place of those before.
    ///
    /// # Errors
    /// Writing failed.
    pub fn draw(&mut self, lines: &[String], columns: usize, out: &mut dyn Write) -> io::Result<()> {
        let lines: Vec<String> = lines.iter().map(|line| cut(line, columns)).collect();
        if lines == self.drawn {
            return Ok(());
        }
        let mut text = self.up();
        for (row, line) in lines.iter().enumerate() {
            match self.drawn.get(row) {
                Some(before) if before == line => text.push('\n'),
                _ => {
                    let _ = writeln!(text, "\x1b[2K{line}");
                }
            }
        }
        if lines.len() < self.drawn.len() {
            text.push_str("\x1b[J");
        }
        self.drawn = lines;
        show(&text, out)
    }

    /// Takes the lines away.
    ///
    /// # Errors
    /// Writing failed.
    pub fn erase(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let text = self.up();
        self.drawn.clear();
        if text.is_empty() { Ok(()) } else { show(&format!("{text}\x1b[J"), out) }
    }

    /// Takes the lines away after the terminal has become `columns` wide, which may have broken them into more rows.
    ///
    /// # Errors
    /// Writing failed.
    pub fn resized(&mut self, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        let rows: usize = self.drawn.iter().map(|line| width(line).div_ceil(columns.max(1)).max(1)).sum();
        self.drawn = vec![String::new(); rows];
        self.erase(out)
    }

    fn up(&self) -> String {
        match self.drawn.len() {
            0 => String::new(),
            rows => format!("\x1b[{rows}A\r"),
        }
    }
}

fn show(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let [begin, end] = TOGETHER;
    out.write_all(format!("{begin}{text}{end}").as_bytes())?;
    out.flush()
}
