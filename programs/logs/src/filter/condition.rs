//! `--where`: a condition over the fields of a record, in the Common Expression Language.
//!
//! CEL has no loops without an end, no side effects and no access to anything but the record, so
//! that a condition from anywhere is safe to run.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use cel::common::types::{CelString, CelTimestamp};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, IdedExpr, ParseErrors, Value};

use super::budget::{self, Budget};
use super::limits;
use crate::record::{FieldValue, Parsed};
use crate::time::Timestamp;

/// A compiled condition. Cloning is cheap, and clones can be used from several threads.
///
/// Every field is a variable by its name; a name that is no identifier is reached as
/// `fields["a-b"]`. `time` is a timestamp, `level` one of the names from `trace` to `fatal`,
/// `message` the message. Where a field is missing the condition is not true, unless `||` or
/// `has(fields.name)` makes it so.
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
    expression: Arc<IdedExpr>,
    /// Whether the expression charges for what it does, since it has loops or sums.
    charges: bool,
    env: Arc<Env>,
    doubts: Arc<Doubts>,
    /// Cancelling it ends evaluations too.
    stop: Option<millstream::Context>,
}

/// How often the condition could not be true for a reason that its author may not have thought of.
/// The counters order nothing else, so they are relaxed.
#[derive(Default)]
struct Doubts {
    asked: AtomicU64,
    missing: AtomicU64,
    /// The name that was missing, and the names that the record has.
    first_missing: OnceLock<(String, String)>,
    undecided: AtomicU64,
    first_error: OnceLock<String>,
}

impl Condition {
    /// Compiles an expression.
    ///
    /// # Errors
    /// If it is not CEL, calls a function that does not exist, is longer than 16 KiB, or more than
    /// 64 levels deep; with the place in the expression.
    pub fn compile(source: &str) -> Result<Condition, CompileError> {
        limits::check(source)
            .map_err(|limit| CompileError::too_large(source, limit.at, limit.why))?;
        let env = Env::stdlib();
        let program =
            env.compile(source).map_err(|errors| CompileError::syntax(source, &errors))?;
        for function in program.references().functions() {
            if !FUNCTIONS.contains(&function)
                && function.starts_with(|first: char| first.is_ascii_alphabetic())
            {
                return Err(CompileError::unknown_function(source, function));
            }
        }
        let mut expression = program.expression().clone();
        Ok(Condition {
            source: source.into(),
            charges: budget::guard(&mut expression),
            expression: Arc::new(expression),
            env: Arc::new(env),
            doubts: Arc::default(),
            stop: None,
        })
    }

    /// Gives up evaluations once `ctx` is cancelled.
    pub(crate) fn stopped_by(mut self, ctx: &millstream::Context) -> Condition {
        self.stop = Some(ctx.clone());
        self
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the condition is true for a record.
    ///
    /// # Errors
    /// If it cannot be decided: values of different kinds are compared (`path > 3`), the result is
    /// not true or false, or it takes too many steps: loops over the values of a record, and what
    /// is done in them, may take about four million. A missing field is no error; the condition is
    /// then false.
    pub fn holds(&self, record: &Parsed<'_>) -> Result<bool, EvaluationError> {
        let budget = self.charges.then(|| Budget::new(self.stop.as_ref()));
        let variables = Variables { record, budget: budget.as_ref() };
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(&variables);
        if let Some(budget) = &budget {
            budget.watch(&mut context);
        }
        let result = Value::resolve(&self.expression, &context);
        if self.stop.as_ref().is_some_and(millstream::Context::is_cancelled) {
            return Err(EvaluationError { text: "the run was stopped".to_owned(), stopped: true });
        }
        let doubts = &self.doubts;
        doubts.asked.fetch_add(1, Ordering::Relaxed);
        let spent = budget.as_ref().is_some_and(Budget::is_spent);
        let error = match result {
            _ if spent => "it takes too many steps for a record of this size".to_owned(),
            Ok(Value::Bool(holds)) => return Ok(holds),
            Ok(Value::Null) => return Ok(false),
            Err(ExecutionError::UndeclaredReference(name) | ExecutionError::NoSuchKey(name)) => {
                doubts.missing.fetch_add(1, Ordering::Relaxed);
                doubts.first_missing.get_or_init(|| (name.to_string(), names_of(record)));
                return Ok(false);
            }
            Ok(other) => format!("the result is {}, not true or false", other.type_of()),
            Err(error) => error.to_string(),
        };
        doubts.undecided.fetch_add(1, Ordering::Relaxed);
        doubts.first_error.get_or_init(|| error.clone());
        Err(EvaluationError { text: error, stopped: false })
    }

    /// What its author should know after a run, of this condition and all its clones: that it could
    /// not be decided for some records, or that none had the fields it asks for, as when a name is
    /// misspelt.
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
            Some((name, others)) if count(&self.doubts.missing) == asked => Some(format!(
                "'{}' is true for no record, as none has '{name}'; {others}",
                self.source
            )),
            _ => None,
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

/// The functions and macros of CEL's standard library; a call of any other is an error before the
/// first record.
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
struct Variables<'r, 'a> {
    record: &'r Parsed<'a>,
    budget: Option<&'r Budget>,
}

impl VariableResolver for Variables<'_, '_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let record = self.record;
        // Each time it is asked for, a variable is made again.
        if let Some(budget) = self.budget
            && !budget.charge(1 + i64::try_from(record.text.len() / 16).unwrap_or(i64::MAX))
            && !name.starts_with('@')
        {
            return None;
        }
        match name {
            "time" => record.time.map(|time| CowVal::owned(cel_time(time))),
            "level" => record.level.map(|level| CowVal::owned(CelString::from(level.name()))),
            "message" => {
                Some(CowVal::owned(CelString::from(String::from_utf8_lossy(record.message))))
            }
            _ => match record.field(name) {
                Some(value) => cel_field(value),
                None if name == "fields" => cel_value(all_fields(record)),
                None => None,
            },
        }
    }
}

/// At most this many names are given as a hint.
const NAMES: usize = 12;

/// The names that a condition can ask a record for.
fn names_of(record: &Parsed<'_>) -> String {
    let own = [("time", record.time.is_some()), ("level", record.level.is_some())];
    let own = own.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.to_owned());
    let fields = record.fields().map(|(name, _)| name.into_owned());
    let mut names: Vec<String> =
        own.chain(["message".to_owned()]).chain(fields).take(NAMES + 1).collect();
    if names.len() > NAMES {
        names[NAMES] = "and more".to_owned();
    }
    format!("the first one has {}", names.join(", ").escape_debug())
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
    // The text was checked when its line was parsed, but serde_json takes no escape of half a
    // surrogate pair.
    let read = |json: &str| serde_json::from_str::<serde_json::Value>(json);
    let value = read(json)
        .or_else(|error| connect::strict_json(json).map_or(Err(error), |json| read(&json)));
    value.map_or(Value::Null, |value| from_json(&value))
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
        serde_json::Value::Array(values) => {
            Value::List(Arc::new(values.iter().map(from_json).collect()))
        }
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
            return CompileError {
                source: source.into(),
                column: None,
                message: "it is not CEL".into(),
            };
        };
        CompileError {
            source: source.into(),
            column: usize::try_from(first.pos.1).ok(),
            message: first.msg.clone(),
        }
    }

    fn too_large(source: &str, at: usize, why: String) -> CompileError {
        // An expression of a megabyte helps nobody in a message.
        let shown: String = source.chars().take(60).collect();
        let column = source.get(..at).map(|before| before.chars().count() + 1);
        CompileError { source: shown + "...", column, message: why }
    }

    fn unknown_function(source: &str, function: &str) -> CompileError {
        let column = source.find(function).map(|at| source[..at].chars().count() + 1);
        CompileError {
            source: source.into(),
            column,
            message: format!("there is no function {function}()"),
        }
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
pub struct EvaluationError {
    text: String,
    stopped: bool,
}

impl EvaluationError {
    /// Whether the run was stopped, rather than that the condition and the record do not fit
    /// together.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for EvaluationError {}
