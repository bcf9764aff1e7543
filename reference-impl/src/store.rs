//! The contacts behind the API calls, in SQLite.
//!
//! Nothing in here knows who asks or in which protocol. The database is opened on first use, because most sessions
//! never need it and a quick start matters.

use std::fmt::Write as _;
use std::path::PathBuf;

use civispec_wire::json::Json;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

/// A row: its fields in the order of [`FIELDS`].
pub(crate) type Record = Vec<(&'static str, Json)>;

/// A failure of the database. It names no file: what a server says about it must not.
#[derive(Debug, thiserror::Error)]
#[error("the database failed")]
pub(crate) struct StoreError(#[from] rusqlite::Error);

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
}

/// A field of a contact.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    /// How it is read in SQL.
    sql: &'static str,
}

/// The fields of a contact. A display name that was not given is made from the other names.
pub(crate) static FIELDS: [Field; 6] = [
    Field { name: "id", title: "Contact ID", kind: Kind::Integer, sql: "id" },
    Field { name: "contact_type", title: "Contact Type", kind: Kind::Text, sql: "contact_type" },
    Field {
        name: "display_name",
        title: "Display Name",
        kind: Kind::Text,
        sql: "coalesce(display_name, organization_name, \
              trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')))",
    },
    Field { name: "first_name", title: "First Name", kind: Kind::Text, sql: "first_name" },
    Field { name: "last_name", title: "Last Name", kind: Kind::Text, sql: "last_name" },
    Field {
        name: "organization_name",
        title: "Organization Name",
        kind: Kind::Text,
        sql: "organization_name",
    },
];

/// The types that a contact can have.
pub(crate) const CONTACT_TYPES: [&str; 3] = ["Household", "Individual", "Organization"];

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS contact (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        contact_type TEXT NOT NULL,
        display_name TEXT,
        first_name TEXT,
        last_name TEXT,
        organization_name TEXT
    )";

/// What a new database holds.
const SEED: &str = "
    INSERT INTO contact (id, contact_type, first_name, last_name, organization_name) VALUES
        (1, 'Organization', NULL, NULL, 'Example Society'),
        (2, 'Individual', 'Berta', 'Beispiel', NULL),
        (3, 'Household', NULL, NULL, NULL),
        (202, 'Individual', 'Ada', 'Admin', NULL),
        (203, 'Individual', 'Dora', 'Demo', NULL),
        (204, 'Individual', 'Nora', 'Nobody', NULL);
    UPDATE contact SET display_name = 'Beispiel family' WHERE id = 3";

/// The field of that name, case included.
pub(crate) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// An SQL operator with one value on its right.
    Binary(&'static str),
    /// An SQL operator with a list on its right.
    List(&'static str),
    /// An SQL operator without a value.
    Postfix(&'static str),
}

/// The operators by their names, which are those of SQL.
const OPERATORS: [Operator; 13] = [
    Operator::Binary("="),
    Operator::Binary("!="),
    Operator::Binary("<>"),
    Operator::Binary("<"),
    Operator::Binary("<="),
    Operator::Binary(">"),
    Operator::Binary(">="),
    Operator::Binary("LIKE"),
    Operator::Binary("NOT LIKE"),
    Operator::List("IN"),
    Operator::List("NOT IN"),
    Operator::Postfix("IS NULL"),
    Operator::Postfix("IS NOT NULL"),
];

/// One condition on a contact.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    field: &'static Field,
    operator: Operator,
    values: Vec<Value>,
}

impl Condition {
    /// A condition from the words of a request; `None` if it makes no sense.
    pub(crate) fn new(name: &str, operator: &str, value: Option<&Json>) -> Option<Self> {
        let operator = OPERATORS.into_iter().find(|known| {
            let (Operator::Binary(sql) | Operator::List(sql) | Operator::Postfix(sql)) = known;
            *sql == operator
        })?;
        let values = match operator {
            Operator::Binary(_) => vec![scalar(value?)?],
            Operator::List(_) => value?.as_array()?.iter().map(scalar).collect::<Option<_>>()?,
            Operator::Postfix(_) => Vec::new(),
        };
        Some(Self { field: field(name)?, operator, values })
    }

    /// That the contact has this id.
    pub(crate) fn id(id: i64) -> Self {
        Self { field: &FIELDS[0], operator: Operator::Binary("="), values: vec![Value::Integer(id)] }
    }

    /// Puts the active contact in the place of the words `user_contact_id`, which stand for it in API calls. Nobody's
    /// contact equals nothing.
    pub(crate) fn resolve(&mut self, active: Option<i64>) {
        for value in &mut self.values {
            if matches!(value, Value::Text(text) if text == "user_contact_id") {
                *value = active.map_or(Value::Null, Value::Integer);
            }
        }
    }

    fn sql(&self) -> String {
        let left = self.field.sql;
        match self.operator {
            Operator::Binary(sql) => format!("{left} {sql} ?"),
            Operator::List(sql) => format!("{left} {sql} ({})", vec!["?"; self.values.len()].join(",")),
            Operator::Postfix(sql) => format!("{left} {sql}"),
        }
    }
}

/// Which contacts, in which order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// All of them must hold.
    pub(crate) conditions: Vec<Condition>,
    /// Fields to sort by, `true` for descending; then by id.
    pub(crate) order: Vec<(&'static Field, bool)>,
    /// At most so many; `None` for all.
    pub(crate) limit: Option<i64>,
    pub(crate) offset: i64,
}

/// Values for the fields of a contact.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(Vec<(&'static Field, Value)>);

impl Values {
    /// Sets a field; of several values the last one counts. `false` if the value does not fit: the id cannot be set,
    /// texts are strings, numbers or null, and the type of a contact is one of [`CONTACT_TYPES`].
    pub(crate) fn set(&mut self, field: &'static Field, value: &Json) -> bool {
        let value = match value {
            _ if field.kind == Kind::Integer => return false,
            Json::String(text) if field.name != "contact_type" || CONTACT_TYPES.contains(&text.as_str()) => {
                Value::Text(text.clone())
            }
            Json::Number(number) if field.name != "contact_type" => Value::Text(number.text().to_owned()),
            Json::Null if field.name != "contact_type" => Value::Null,
            _ => return false,
        };
        self.0.retain(|(known, _)| *known != field);
        self.0.push((field, value));
        true
    }

    /// Whether the field is among them.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field.name == name)
    }
}

/// An open database.
#[derive(Debug)]
pub(crate) struct Store(Connection);

impl Store {
    fn open(path: Option<&PathBuf>) -> Result<Self, StoreError> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.execute(SCHEMA, ())?;
        let store = Self(connection);
        if store.contacts(&Query { limit: Some(1), ..Query::default() })?.is_empty() {
            store.0.execute_batch(&format!("BEGIN; {SEED}; COMMIT"))?;
        }
        Ok(store)
    }

    /// The contacts that fit.
    pub(crate) fn contacts(&self, query: &Query) -> Result<Vec<Record>, StoreError> {
        let columns: Vec<&str> = FIELDS.iter().map(|field| field.sql).collect();
        let mut sql = format!("SELECT {} FROM contact WHERE 1", columns.join(","));
        let mut values = Vec::new();
        for condition in &query.conditions {
            // Writing to a String cannot fail.
            let _ = write!(sql, " AND {}", condition.sql());
            values.extend(condition.values.iter().cloned());
        }
        sql.push_str(" ORDER BY ");
        for (field, descending) in &query.order {
            let _ = write!(sql, "{} {}, ", field.sql, if *descending { "DESC" } else { "ASC" });
        }
        // SQLite takes -1 for no limit.
        sql.push_str("id LIMIT ? OFFSET ?");
        values.extend([Value::Integer(query.limit.unwrap_or(-1)), Value::Integer(query.offset)]);

        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            FIELDS.iter().enumerate().map(|(i, field)| Ok((field.name, column(row, i)?))).collect()
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many contacts fit.
    pub(crate) fn count(&self, query: &Query) -> Result<usize, StoreError> {
        self.contacts(query).map(|rows| rows.len())
    }

    pub(crate) fn has_contact(&self, id: i64) -> Result<bool, StoreError> {
        let query = Query { conditions: vec![Condition::id(id)], ..Query::default() };
        Ok(self.count(&query)? > 0)
    }

    /// Adds a contact, whose type must be among the values, and returns its id.
    pub(crate) fn create(&self, values: &Values) -> Result<i64, StoreError> {
        let names: Vec<&str> = values.0.iter().map(|(field, _)| field.name).collect();
        let marks = vec!["?"; names.len()].join(",");
        let sql = format!("INSERT INTO contact ({}) VALUES ({marks})", names.join(","));
        self.0.execute(&sql, params_from_iter(values.0.iter().map(|(_, value)| value)))?;
        Ok(self.0.last_insert_rowid())
    }

    /// Sets the values of one contact.
    pub(crate) fn update(&self, id: i64, values: &Values) -> Result<(), StoreError> {
        if values.0.is_empty() {
            return Ok(());
        }
        let set: Vec<String> = values.0.iter().map(|(field, _)| format!("{} = ?", field.name)).collect();
        let sql = format!("UPDATE contact SET {} WHERE id = ?", set.join(", "));
        let id = Value::Integer(id);
        self.0.execute(&sql, params_from_iter(values.0.iter().map(|(_, value)| value).chain([&id])))?;
        Ok(())
    }

    pub(crate) fn delete(&self, id: i64) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM contact WHERE id = ?", [id])?;
        Ok(())
    }
}

/// A database that is opened when it is first needed.
#[derive(Debug)]
pub(crate) struct LazyStore {
    path: Option<PathBuf>,
    store: Option<Store>,
}

impl LazyStore {
    /// The database in that file, or in memory.
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self { path, store: None }
    }

    /// The database, opened and filled if need be.
    pub(crate) fn open(&mut self) -> Result<&Store, StoreError> {
        match self.store {
            Some(ref store) => Ok(store),
            None => Ok(self.store.insert(Store::open(self.path.as_ref())?)),
        }
    }
}

/// A value to compare with or to store; arrays and objects are none.
fn scalar(value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Integer((*b).into()),
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Real(number.text().parse().ok()?),
        },
        Json::Array(_) | Json::Object(_) => return None,
    })
}

fn column(row: &Row<'_>, index: usize) -> rusqlite::Result<Json> {
    Ok(match row.get_ref(index)? {
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Text(text) => Json::String(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Json::Null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(store: &Store, query: &Query) -> Vec<String> {
        store.contacts(query).unwrap().iter().map(|row| row[2].1.to_string()).collect()
    }

    fn values(members: &[(&str, &str)]) -> Values {
        let mut values = Values::default();
        for (name, value) in members {
            assert!(values.set(field(name).unwrap(), &Json::from(*value)));
        }
        values
    }

    #[test]
    fn a_new_database_holds_the_contacts_that_can_log_in() {
        let mut lazy = LazyStore::new(None);
        let store = lazy.open().unwrap();
        for id in [202, 203, 204] {
            assert!(store.has_contact(id).unwrap());
        }
        assert!(!store.has_contact(205).unwrap());
    }

    #[test]
    fn contacts_are_created_changed_found_and_deleted() {
        let mut lazy = LazyStore::new(None);
        let store = lazy.open().unwrap();
        let id = store.create(&values(&[("contact_type", "Individual"), ("first_name", "Eve")])).unwrap();
        let query = Query { conditions: vec![Condition::id(id)], ..Query::default() };
        assert_eq!(names(store, &query), ["\"Eve\""]);
        store.update(id, &values(&[("last_name", "o'Hara\"; DROP TABLE contact")])).unwrap();
        assert_eq!(names(store, &query), [r#""Eve o'Hara\"; DROP TABLE contact""#]);
        store.delete(id).unwrap();
        assert_eq!(store.count(&query).unwrap(), 0);
    }

    #[test]
    fn conditions_order_and_limits_are_those_of_sql() {
        let mut lazy = LazyStore::new(None);
        let store = lazy.open().unwrap();
        let list = civispec_wire::json::parse(b"[1,\"3\"]").unwrap();
        let conditions = vec![Condition::new("id", "IN", Some(&list)).unwrap()];
        let order = vec![(field("display_name").unwrap(), true)];
        let mut query = Query { conditions, order, ..Query::default() };
        assert_eq!(names(store, &query), ["\"Example Society\"", "\"Beispiel family\""]);
        query.limit = Some(1);
        query.offset = 1;
        assert_eq!(names(store, &query), ["\"Beispiel family\""]);
        assert!(Condition::new("id", "IN", Some(&Json::from(1))).is_none());
        assert!(Condition::new("id", "=", None).is_none());
        assert!(Condition::new("no_such_field", "=", Some(&Json::from(1))).is_none());
        assert!(Condition::new("id", "; DROP", Some(&Json::from(1))).is_none());
    }

    #[test]
    fn a_file_keeps_what_was_written_and_is_not_filled_twice() {
        let path = std::env::temp_dir().join(format!("civispec-store-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let everybody = Query::default();
        let first = LazyStore::new(Some(path.clone())).open().unwrap().count(&everybody).unwrap();
        let mut lazy = LazyStore::new(Some(path.clone()));
        lazy.open().unwrap().create(&values(&[("contact_type", "Household")])).unwrap();
        drop(lazy);
        let second = LazyStore::new(Some(path.clone())).open().unwrap().count(&everybody).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(second, first + 1);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_not_named_in_the_error() {
        let path = PathBuf::from("/nonexistent/secret.db");
        let error = LazyStore::new(Some(path)).open().unwrap_err();
        assert_eq!(error.to_string(), "the database failed");
    }
}
