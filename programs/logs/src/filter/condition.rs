//! `--where`: a condition over the fields of a record, in the Common Expression Language.
//!
//! CEL has no loops without an end, no side effects and no access to anything but the record, so that a condition from
//! anywhere is safe to run.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use cel::common::types::{CelString, CelTimestamp};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, ParseErrors, Program, Value};

use crate::record::{FieldValue, Parsed};
use crate::time::Timestamp;

/// A compiled condition. Cloning is cheap, and clones can be used from several threads.
///
/// Every field is a variable by its name; a name that is no identifier is reached as `fields["a-b"]`. `time` is a
/// timestamp, `level` one of the names from `trace` to `fatal`, `message` the message. Where a field is missing the
/// condition is not true, unless `||` or `has(fields.name)` makes it so.
///
/// ```
/// use millstream_logs::filter::Condition;
/// assert!(Condition::compile(r#"status == 404 && path.startsWith("/api")"#).is_ok());
/// let error = Condition::compile("status == ").unwrap_err();
/// assert!(error.to_string().contains("column 11"));
/// ```
#[derive(Clone)]
pub struct Condition {
    source: Arc<str>,
    program: Arc<Program>,
    env: Arc<Env>,
    doubts: Arc<Doubts>,
}

/// How often the condition could not be true for a reason that its author may not have thought of. The counters order
/// nothing else, so they are relaxed.
#[derive(Default)]
struct Doubts {
    asked: AtomicU64,
    missing: AtomicU64,
    first_missing: OnceLock<String>,
    undecided: AtomicU64,
    first_error: OnceLock<String>,
}

impl Condition {
    /// Compiles an expression.
    ///
    /// # Errors
    /// If it is not CEL, or calls a function that does not exist; with the place in the expression.
    pub fn compile(source: &str) -> Result<Condition, CompileError> {
        let env = Env::stdlib();
        let program = env.compile(source).map_err(|errors| CompileError::syntax(source, &errors))?;
        for function in program.references().functions() {
            if !FUNCTIONS.contains(&function)
                && function.starts_with(|first: char| first.is_ascii_alphabetic())
            {
                return Err(CompileError::unknown_function(source, function));
            }
        }
        Ok(Condition {
            source: source.into(),
            program: Arc::new(program),
            env: Arc::new(env),
            doubts: Arc::default(),
        })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the condition is true for a record.
    ///
    /// # Errors
    /// If it cannot be told: values of different kinds are compared (`path > 3`), or the result is not true or false.
    /// A missing field is no error; the condition is then false.
    pub fn holds(&self, record: &Parsed<'_>) -> Result<bool, EvaluationError> {
        let variables = Variables(record);
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(&variables);
        let doubts = &self.doubts;
        doubts.asked.fetch_add(1, Ordering::Relaxed);
        let error = match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => return Ok(holds),
            Ok(Value::Null) => return Ok(false),
            Err(ExecutionError::UndeclaredReference(name) | ExecutionError::NoSuchKey(name)) => {
                doubts.missing.fetch_add(1, Ordering::Relaxed);
                doubts.first_missing.get_or_init(|| name.to_string());
                return Ok(false);
            }
            Ok(other) => format!("the result is {}, not true or false", other.type_of()),
            Err(error) => error.to_string(),
        };
        doubts.undecided.fetch_add(1, Ordering::Relaxed);
        doubts.first_error.get_or_init(|| error.clone());
        Err(EvaluationError(error))
    }

    /// What its author should know after a run, of this condition and all its clones: that it could not be decided for
    /// some records, or that none had the fields it asks for, as when a name is misspelt.
    pub fn doubts(&self) -> Option<String> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (asked, undecided) = (count(&self.doubts.asked), count(&self.doubts.undecided));
        if let Some(error) = self.doubts.first_error.get() {
            return Some(format!(
                "'{}' could not be decided for {undecided} of {asked} records, which were not kept: {error}",
                self.source
            ));
        }
        match self.doubts.first_missing.get() {
            Some(name) if count(&self.doubts.missing) == asked => {
                Some(format!("'{}' is true for no record, as none has '{name}'", self.source))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

/// The functions and macros of CEL's standard library; a call of any other is an error before the first record.
const FUNCTIONS: [&str; 34] = [
    "all",
    "bool",
    "bytes",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "exists",
    "exists_one",
    "filter",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "has",
    "in",
    "int",
    "map",
    "matches",
    "max",
    "min",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// The variables of one record, made only when the expression asks for them.
struct Variables<'r, 'a>(&'r Parsed<'a>);

impl VariableResolver for Variables<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let record = self.0;
        match name {
            "time" => record.time.map(|time| CowVal::owned(cel_time(time))),
            "level" => record.level.map(|level| CowVal::owned(CelString::from(level.name()))),
            "message" => Some(CowVal::owned(CelString::from(String::from_utf8_lossy(record.message)))),
            _ => match record.field(name) {
                Some(value) => cel_field(value),
                None if name == "fields" => cel_value(all_fields(record)),
                None => None,
            },
        }
    }
}

fn cel_time(time: Timestamp) -> CelTimestamp {
    chrono::DateTime::from_timestamp_nanos(time.as_nanos()).fixed_offset().into()
}

fn cel_field<'v>(value: FieldValue<'v>) -> Option<CowVal<'v, 'v>> {
    match value {
        FieldValue::Text(text) => Some(CowVal::owned(CelString::from(text))),
        FieldValue::Json(json) => cel_value(json_value(json)),
    }
}

fn cel_value<'v>(value: Value) -> Option<CowVal<'v, 'v>> {
    let value: Result<Box<dyn Val>, _> = value.try_into();
    value.ok().map(CowVal::Owned)
}

fn all_fields(record: &Parsed<'_>) -> Value {
    let fields: std::collections::HashMap<String, Value> = record
        .fields()
        .map(|(name, value)| {
            let value = match value {
                FieldValue::Text(text) => Value::from(text.into_owned()),
                FieldValue::Json(json) => json_value(json),
            };
            (name.into_owned(), value)
        })
        .collect();
    Value::from(fields)
}

fn json_value(json: &str) -> Value {
    // The text was checked when its line was parsed; the depth that serde_json allows may still be less.
    serde_json::from_str::<serde_json::Value>(json).map_or(Value::Null, |value| from_json(&value))
}

fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => number.as_f64().map_or(Value::Null, Value::Float),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(values) => Value::List(Arc::new(values.iter().map(from_json).collect())),
        serde_json::Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), from_json(value)));
            Value::from(fields.collect::<std::collections::HashMap<String, Value>>())
        }
    }
}

/// An expression that cannot be used as a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    source: String,
    /// The column of the mistake, counted from 1, if it is known.
    column: Option<usize>,
    message: String,
}

impl CompileError {
    fn syntax(source: &str, errors: &ParseErrors) -> CompileError {
        let Some(first) = errors.errors.first() else {
            return CompileError { source: source.into(), column: None, message: "it is not CEL".into() };
        };
        CompileError {
            source: source.into(),
            column: usize::try_from(first.pos.1).ok(),
            message: first.msg.clone(),
        }
    }

    fn unknown_function(source: &str, function: &str) -> CompileError {
        let column = source.find(function).map(|at| source[..at].chars().count() + 1);
        CompileError { source: source.into(), column, message: format!("there is no function {function}()") }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the condition `{}` does not compile", self.source)?;
        if let Some(column) = self.column {
            write!(f, " at column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for CompileError {}

/// A condition could not be answered for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationError(String);

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EvaluationError {}
