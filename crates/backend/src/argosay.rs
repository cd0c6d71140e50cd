//! The program of Argo's test image `argosay`: `echo [text [file]]`, `cat file`, `exit [code]`, `sleep seconds`,
//! `assert_contains file text`, `sh script`; without arguments it greets. And `cowsay`, the program of its version 1.
//! Not here: anything of the host beyond what its arguments name.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::Path,
    process::Command,
    time::Duration,
};

/// Does what the arguments say to the program called `name`; returns the exit code.
pub(crate) fn main(name: &str, args: impl Iterator<Item = OsString>) -> i32 {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut out = io::stdout().lock();
    let said =
        if name == "cowsay" { cow(&args.join(" "), &mut out).map(|()| 0) } else { say(&args, &mut out) };
    match said {
        Ok(code) => code,
        Err(error) => {
            // there is nobody left to tell
            let _ = writeln!(io::stderr(), "{name}: {error}");
            1
        }
    }
}

fn say(args: &[&str], out: &mut impl Write) -> io::Result<i32> {
    match args {
        [] | ["" | "echo"] => writeln!(out, "hello argo").map(|()| 0),
        ["echo", text] => writeln!(out, "{text}").map(|()| 0),
        ["echo", text, file] => {
            if let Some(parent) = Path::new(file).parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(file, format!("{text}\n")).map(|()| 0)
        }
        ["cat", files @ ..] => {
            for file in files {
                io::copy(&mut fs::File::open(file)?, out)?;
            }
            Ok(0)
        }
        ["exit"] => Ok(0),
        ["exit", code] => Ok(code.trim().parse().unwrap_or(1)),
        ["sleep", time] => match duration(time) {
            Some(duration) => {
                std::thread::sleep(duration);
                Ok(0)
            }
            None => Ok(1),
        },
        ["assert_contains", file, text] => {
            let content = fs::read_to_string(file)?;
            let mut found = content.lines().filter(|line| line.contains(text)).peekable();
            let code = i32::from(found.peek().is_none());
            found.try_for_each(|line| writeln!(out, "{line}"))?;
            Ok(code)
        }
        ["sh", script] => {
            let status = Command::new("sh").arg(script).status()?;
            Ok(crate::supervise::payload::code(status))
        }
        _ => Ok(1),
    }
}

/// Returns the time of `2`, `2s`, `0.5m`, `1h`, `300ms`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.trim().parse::<f64>().ok()? * seconds).ok()
}

/// The longest line of a balloon, in characters.
const BALLOON: usize = 39;

/// Draws a cow that says `text`.
fn cow(text: &str, out: &mut impl Write) -> io::Result<()> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= BALLOON => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    writeln!(out, " {}", "_".repeat(width + 2))?;
    let last = lines.len().saturating_sub(1);
    for (number, line) in lines.iter().enumerate() {
        let (left, right) = match number {
            _ if last == 0 => ('<', '>'),
            0 => ('/', '\\'),
            _ if number == last => ('\\', '/'),
            _ => ('|', '|'),
        };
        writeln!(out, "{left} {line:<width$} {right}")?;
    }
    writeln!(out, " {}", "-".repeat(width + 2))?;
    out.write_all(COW.as_bytes())
}

const COW: &str = r"        \   ^__^
         \  (oo)\_______
            (__)\       )\/\
                ||----w |
                ||     ||
";
