//! What an expression may cost while it runs: loops over the values of a record, and values made of
//! values, are charged to a budget for each record, so that no record and no expression keeps a
//! worker forever or takes all memory.
//!
//! The library that evaluates has no such limit. So before use the expression is changed: what a
//! loop goes over, and what is copied, compared or searched inside of one, goes through a function
//! that charges for it and gives it back. An expression without loops and sums is not changed, and
//! pays nothing. Depth is the business of `limits`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::{ExecutionError, Value};

/// For each record; a unit is about one step of the evaluation, or 16 bytes that are copied.
const UNITS: i64 = 4_000_000;
/// The functions that charge; their names cannot be written in CEL.
const EACH: &str = "@each";
const PASS: &str = "@pass";
/// A regular expression is compiled at each call.
const MATCHES_UNITS: i64 = 500;

/// What is left for one record.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left: Arc<AtomicI64>,
    stop: Option<millstream::Context>,
}

impl Budget {
    pub(super) fn new(stop: Option<&millstream::Context>) -> Budget {
        Budget { left: Arc::new(AtomicI64::new(UNITS)), stop: stop.cloned() }
    }

    /// Takes units; false if there are not this many left, or the run is to end. One thread uses a
    /// budget, so that no order is needed.
    pub(super) fn charge(&self, units: i64) -> bool {
        if self.stop.as_ref().is_some_and(millstream::Context::is_cancelled) {
            self.left.store(i64::MIN / 2, Ordering::Relaxed);
        }
        let before = self.left.load(Ordering::Relaxed);
        let after = before.saturating_sub(units);
        self.left.store(after, Ordering::Relaxed);
        after >= 0
    }

    /// Whether more was asked for than there was.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) < 0
    }

    /// Makes the functions that charge known to an evaluation.
    pub(super) fn watch(&self, context: &mut cel::Context<'_, '_>) {
        let (each, pass) = (self.clone(), self.clone());
        let spent = || ExecutionError::function_error("where", "it takes too many steps");
        let known = context
            .add_function(EACH, move |range: Value, weight: i64| match range {
                Value::List(_) | Value::Map(_) => {
                    let count = match &range {
                        Value::List(list) => list.len(),
                        Value::Map(map) => map.map.len(),
                        _ => 0,
                    };
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    let units = units(&range).saturating_add(count.saturating_mul(weight));
                    if each.charge(units) { Ok(range) } else { Err(spent()) }
                }
                other => Ok(other),
            })
            .and_then(|()| {
                context.add_function(PASS, move |value: Value| {
                    if pass.charge(units(&value)) { Ok(value) } else { Err(spent()) }
                })
            });
        // Only a name that the standard library has could be refused.
        debug_assert!(known.is_ok(), "{known:?}");
    }
}

/// What it costs to copy a value, or to look through it.
fn units(value: &Value) -> i64 {
    let bytes = |len: usize| 1 + i64::try_from(len / 16).unwrap_or(i64::MAX / 4);
    match value {
        Value::List(list) => list.iter().map(units).fold(1, |all, one| all.saturating_add(one + 3)),
        Value::Map(map) => {
            map.map.values().map(units).fold(1, |all, one| all.saturating_add(one + 6))
        }
        Value::String(text) => bytes(text.len()),
        Value::Bytes(text) => bytes(text.len()),
        _ => 1,
    }
}

/// Changes an expression so that it charges for what it does; false if it has nothing to charge
/// for.
pub(super) fn guard(expr: &mut IdedExpr) -> bool {
    visit(expr, false)
}

fn visit(expr: &mut IdedExpr, in_loop: bool) -> bool {
    match &mut expr.expr {
        Expr::Comprehension(each) => {
            visit(&mut each.iter_range, in_loop);
            visit(&mut each.loop_step, true);
            let weight = Expr::Literal(LiteralValue::Int(weight(&each.loop_step).into()));
            wrap(&mut each.iter_range, EACH, Some(weight));
            true
        }
        Expr::Call(call) => {
            let target = call.target.as_deref_mut().map(|target| visit(target, in_loop));
            let mut any = target.unwrap_or(false);
            for arg in &mut call.args {
                any |= visit(arg, in_loop);
            }
            if is_charged(call, in_loop) {
                call.target.as_deref_mut().into_iter().chain(&mut call.args).for_each(pass);
                any = true;
            }
            any
        }
        Expr::List(list) => list.elements.iter_mut().fold(false, |any, element| {
            let charged = visit(element, in_loop) | in_loop;
            if in_loop {
                pass(element);
            }
            any | charged
        }),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .fold(false, |any, entry| any | visit_entry(&mut entry.expr, in_loop)),
        Expr::Struct(it) => it
            .entries
            .iter_mut()
            .fold(false, |any, entry| any | visit_entry(&mut entry.expr, in_loop)),
        Expr::Select(select) => visit(&mut select.operand, in_loop),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => false,
    }
}

fn visit_entry(entry: &mut EntryExpr, in_loop: bool) -> bool {
    let mut parts = match entry {
        EntryExpr::StructField(field) => vec![&mut field.value],
        EntryExpr::MapEntry(entry) => vec![&mut entry.key, &mut entry.value],
    };
    parts.iter_mut().fold(false, |any, part| {
        let charged = visit(part, in_loop);
        if in_loop {
            pass(part);
        }
        any | charged | in_loop
    })
}

/// Whether what a call is given is charged: all of it inside of loops, and what is added up
/// everywhere, but for what macros make themselves, whose shape the library knows.
fn is_charged(call: &CallExpr, in_loop: bool) -> bool {
    let made = call
        .args
        .first()
        .is_some_and(|first| matches!(&first.expr, Expr::Ident(name) if name.starts_with('@')));
    let logic = matches!(
        call.func_name.as_str(),
        operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::CONDITIONAL
    );
    !made
        && !logic
        && call.func_name != operators::NOT_STRICTLY_FALSE
        && (in_loop || call.func_name == operators::ADD)
}

/// Lets a value go through the function that charges for it.
fn pass(expr: &mut IdedExpr) {
    if !matches!(expr.expr, Expr::Literal(_)) {
        wrap(expr, PASS, None);
    }
}

fn wrap(expr: &mut IdedExpr, function: &str, more: Option<Expr>) {
    let inner = std::mem::take(expr);
    let more = more.map(|expr| IdedExpr { id: inner.id, expr });
    let id = inner.id;
    let args = std::iter::once(inner).chain(more).collect();
    expr.expr = Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args });
    expr.id = id;
}

/// About how many steps an expression takes, without those of the loops in it.
fn weight(expr: &IdedExpr) -> i64 {
    let all = |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(weight).sum::<i64>();
    1 + match &expr.expr {
        Expr::Call(call) => {
            let own = if call.func_name == "matches" { MATCHES_UNITS } else { 0 };
            own + all(&mut call.target.as_deref().into_iter().chain(&call.args))
        }
        Expr::List(list) => all(&mut list.elements.iter()),
        Expr::Select(select) => weight(&select.operand),
        Expr::Comprehension(each) => weight(&each.iter_range),
        Expr::Map(map) => map.entries.iter().map(|entry| entry_weight(&entry.expr)).sum(),
        Expr::Struct(it) => it.entries.iter().map(|entry| entry_weight(&entry.expr)).sum(),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

fn entry_weight(entry: &EntryExpr) -> i64 {
    match entry {
        EntryExpr::StructField(field) => weight(&field.value),
        EntryExpr::MapEntry(entry) => weight(&entry.key) + weight(&entry.value),
    }
}
