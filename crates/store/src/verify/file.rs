//! Opening a database to look at it: changes nothing, creates nothing.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use crate::{DATABASE, StoreError, schema};

/// The first bytes of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A database that is looked at.
pub(crate) struct Opened {
    /// In one snapshot.
    pub(crate) connection: Connection,
    /// The files beside it whose appearance means that somebody began to write, if nobody did when it was opened.
    quiet: Vec<PathBuf>,
}

impl Opened {
    /// Whether somebody began to write to a database that nobody wrote to, so that no snapshot protects what is read.
    pub(crate) fn disturbed(&self) -> bool {
        self.quiet.iter().any(|file| file.exists())
    }
}

/// Opens the database at `path` (a folder or the file), for one snapshot.
///
/// # Errors
/// What is wrong with it, in people's words.
pub(crate) fn open(path: &Path) -> Result<Opened, String> {
    let path = if path.is_dir() { path.join(DATABASE) } else { path.to_owned() };
    let shown = path.display();
    let mut magic = [0; 16];
    let read = File::open(&path).and_then(|mut file| file.read_exact(&mut magic));
    read.map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    if magic != *MAGIC {
        return Err(format!("`{shown}` is not a SQLite database"));
    }
    let absolute =
        std::path::absolute(&path).map_err(|error| format!("`{shown}` cannot be found: {error}"))?;
    // Without a write-ahead log nobody has it open, and SQLite would create one just to look.
    let beside = ["-wal", "-shm"].map(|end| {
        let mut beside = path.clone().into_os_string();
        beside.push(end);
        PathBuf::from(beside)
    });
    let live = beside.iter().any(|file| file.exists());
    let quiet = if live { Vec::new() } else { beside.to_vec() };
    let uri = format!("file:{}?mode=ro{}", escaped(&absolute), if live { "" } else { "&immutable=1" });
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(&uri, flags)?;
        schema::prepare(&connection)?;
        connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
        Ok(connection)
    };
    open().map(|connection| Opened { connection, quiet }).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("`{shown}` cannot be opened: {error}{cause}")
    })
}

fn escaped(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().map(|b| if plain(*b) { char::from(*b).to_string() } else { format!("%{b:02x}") }).collect()
}

type Table = (String, String, String, Option<String>);

/// Returns what is wrong with the tables: not ours, of a newer release, or not as this version makes them.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(crate) fn wrong_tables(connection: &Connection) -> Result<Option<String>, StoreError> {
    let id: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if id != schema::APPLICATION_ID {
        return Ok(Some("the file does not say that it is ours".to_owned()));
    }
    if version < 1 || version > schema::newest() {
        return Ok(Some(format!(
            "it has version {version}; this release knows versions 1 to {}",
            schema::newest()
        )));
    }
    let model = Connection::open_in_memory()?;
    for (step, _) in schema::migrations().iter().zip(0..version) {
        model.execute_batch(step)?;
    }
    let (expected, found) = (tables(&model)?, tables(connection)?);
    let differs =
        |one: &[Table], other: &[Table]| one.iter().find(|table| !other.contains(table)).map(|t| t.1.clone());
    let differing = differs(&expected, &found).or_else(|| differs(&found, &expected));
    Ok(differing
        .map(|name| format!("the definition of `{}` is not the one this version has", name.escape_debug())))
}

fn tables(connection: &Connection) -> Result<Vec<Table>, StoreError> {
    let mut statement =
        connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
