//! The tree walker: computes a checked tree within the limits of steps, memory and depth of values.
//! Source: expr-lang `compiler` and `vm`. Not here: what an operator or function does with its operands.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Env, Fault, MAX_MEMORY, MAX_STEPS, MAX_VALUE_DEPTH,
    ast::{Binary, Kind, Node, Unary},
    builtin, operate,
    value::{Function, Value},
};

/// Why a part has no value.
pub(super) enum Stop {
    /// An error.
    Fault(Fault),
    /// What is before a `?.` is nil; the chain ends with nil.
    Nil,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Scope {
    items: Arc<Vec<Value>>,
    at: usize,
    acc: Value,
}

/// What one run keeps.
pub(crate) struct Machine<'a> {
    pub(crate) env: &'a Env,
    scopes: Vec<Scope>,
    variables: Vec<(String, Value)>,
    steps: usize,
    memory: usize,
}

/// Computes a tree.
///
/// # Errors
/// The fault and where.
pub(super) fn run(node: &Node, env: &Env) -> Result<Value, Fault> {
    let mut machine = Machine { env, scopes: Vec::new(), variables: Vec::new(), steps: 0, memory: 0 };
    match machine.eval(node) {
        Ok(value) => Ok(value),
        Err(Stop::Nil) => Ok(Value::Nil),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

impl Machine<'_> {
    /// Counts work that was done.
    ///
    /// # Errors
    /// Over the limit.
    pub(crate) fn step(&mut self, count: usize) -> Result<(), String> {
        self.steps = self.steps.saturating_add(count).saturating_add(1);
        if self.steps > MAX_STEPS {
            return Err(format!("the expression takes more than {MAX_STEPS} steps"));
        }
        Ok(())
    }

    /// Counts memory that is about to be used, in items or bytes.
    ///
    /// # Errors
    /// Over the limit; Go's words.
    pub(crate) fn grow(&mut self, size: usize) -> Result<(), String> {
        self.memory = self.memory.saturating_add(size);
        if self.memory >= MAX_MEMORY {
            return Err("memory budget exceeded".to_owned());
        }
        self.step(size / 8)
    }

    /// Refuses a value that is nested too deep or too large.
    fn admit(&mut self, value: Value) -> Result<Value, String> {
        self.grow(value.weight())?;
        self.depth(&value, 0)?;
        Ok(value)
    }

    fn depth(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_VALUE_DEPTH {
            return Err(format!("a value is nested deeper than {MAX_VALUE_DEPTH} levels"));
        }
        let deeper = depth.saturating_add(1);
        match value {
            Value::Array(items) => {
                self.step(items.len() / 4)?;
                items.iter().try_for_each(|item| self.depth(item, deeper))
            }
            Value::Map(fields) => {
                self.step(fields.len() / 4)?;
                fields.values().try_for_each(|item| self.depth(item, deeper))
            }
            Value::Groups(groups) => groups
                .iter()
                .try_for_each(|(key, item)| self.depth(key, deeper).and_then(|()| self.depth(item, deeper))),
            _ => Ok(()),
        }
    }

    fn eval(&mut self, node: &Node) -> Result<Value, Stop> {
        self.step(0).map_err(|message| at(node, message))?;
        match &node.kind {
            Kind::Nil => Ok(Value::Nil),
            Kind::Bool(flag) => Ok(Value::Bool(*flag)),
            Kind::Int(number) => Ok(Value::Int(*number)),
            Kind::Float(number) => Ok(Value::Float(*number)),
            Kind::Text(text) | Kind::Bytes(text) => Ok(Value::text(text)),
            Kind::Name(name) => Ok(self.name(name)),
            Kind::Unary(operator, inner) => self.unary(node, *operator, inner),
            Kind::Binary(operator, left, right) => self.binary(node, *operator, left, right),
            Kind::Chain(inner) => match self.eval(inner) {
                Err(Stop::Nil) => Ok(Value::Nil),
                other => other,
            },
            Kind::Member { base, property, optional, .. } => self.member(node, base, property, *optional),
            Kind::Slice { base, from, to } => self.slice(node, base, from.as_deref(), to.as_deref()),
            Kind::Call { callee, args } => self.call(node, callee, args),
            Kind::Builtin { name, args } => self.builtin(node, name, args),
            Kind::Predicate(inner) => self.eval(inner),
            Kind::Pointer(name) => Ok(self.pointer(name)),
            Kind::Let { name, value, body } => {
                let value = self.eval(value)?;
                self.variables.push((name.clone(), value));
                let gives = self.eval(body);
                self.variables.pop();
                gives
            }
            Kind::Sequence(items) => {
                let mut last = Value::Nil;
                for item in items {
                    last = self.eval(item)?;
                }
                Ok(last)
            }
            Kind::Condition { test, yes, no } => {
                let decided = self.eval(test)?;
                if truth(&decided).map_err(|message| at(node, message))? {
                    self.eval(yes)
                } else {
                    self.eval(no)
                }
            }
            Kind::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.eval(item)?);
                }
                self.admit(Value::array(values)).map_err(|message| at(node, message))
            }
            Kind::Map(pairs) => self.map(node, pairs),
        }
    }

    fn map(&mut self, node: &Node, pairs: &[(Node, Node)]) -> Result<Value, Stop> {
        let mut fields = BTreeMap::new();
        for (key, value) in pairs {
            let name = match self.eval(key)? {
                Value::Text(name) => name.to_string(),
                other => return Err(at(node, other.not_a("string"))),
            };
            let value = self.eval(value)?;
            fields.insert(name, value);
        }
        self.admit(Value::map(fields)).map_err(|message| at(node, message))
    }

    fn name(&self, name: &str) -> Value {
        if let Some((_, value)) = self.variables.iter().rev().find(|(declared, _)| declared == name) {
            return value.clone();
        }
        if name == "$env" {
            return Value::map(self.env.all());
        }
        match self.env.get(name) {
            Some(value) => value,
            None if builtin::is_builtin(name) => Value::Function(Function::Builtin(name.into())),
            None => Value::Nil,
        }
    }

    fn unary(&mut self, node: &Node, operator: Unary, inner: &Node) -> Result<Value, Stop> {
        let value = self.eval(inner)?;
        match (operator, value) {
            (Unary::Not, value) => {
                truth(&value).map(|flag| Value::Bool(!flag)).map_err(|message| at(node, message))
            }
            (Unary::Plus, value) => Ok(value),
            (Unary::Minus, Value::Int(number)) => Ok(Value::Int(number.wrapping_neg())),
            (Unary::Minus, Value::Float(number)) => Ok(Value::Float(-number)),
            (Unary::Minus, other) => Err(at(node, format!("invalid operation: - {}", other.type_name()))),
        }
    }

    fn binary(&mut self, node: &Node, operator: Binary, left: &Node, right: &Node) -> Result<Value, Stop> {
        let wrong = |message: String| at(node, message);
        match operator {
            Binary::And | Binary::Or => {
                let stops = operator == Binary::Or;
                // Go's compiler folds a literal on the right, so that the left side is not computed.
                if right.kind == Kind::Bool(stops) {
                    return Ok(Value::Bool(stops));
                }
                let value = self.eval(left)?;
                if right.kind == Kind::Bool(!stops) {
                    return Ok(value);
                }
                if truth(&value).map_err(wrong)? == stops {
                    return Ok(Value::Bool(stops));
                }
                self.eval(right)
            }
            Binary::Coalesce => match self.eval(left)? {
                Value::Nil => self.eval(right),
                value => Ok(value),
            },
            Binary::Range => {
                let from = self.eval(left)?;
                let to = self.eval(right)?;
                self.range(&from, &to).map_err(wrong)
            }
            Binary::In => {
                let needle = self.eval(left)?;
                let haystack = self.eval(right)?;
                self.step(haystack.weight()).map_err(wrong)?;
                if let (Kind::Array(items), Value::Array(values)) = (&right.kind, &haystack) {
                    let texts =
                        !items.is_empty() && items.iter().all(|item| matches!(item.kind, Kind::Text(_)));
                    if texts {
                        return among_texts(&needle, values).map(Value::Bool).map_err(wrong);
                    }
                }
                operate::contains(&needle, &haystack).map(Value::Bool).map_err(wrong)
            }
            Binary::Matches => {
                let text = self.eval(left)?;
                let pattern = self.eval(right)?;
                self.matches(&text, &pattern).map_err(wrong)
            }
            _ => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                self.step(left.weight()).map_err(wrong)?;
                let value = operate::binary(operator, &left, &right).map_err(wrong)?;
                self.grow(value.weight()).map_err(wrong)?;
                Ok(value)
            }
        }
    }

    fn range(&mut self, from: &Value, to: &Value) -> Result<Value, String> {
        let (from, to) = (operate::to_int(from)?, operate::to_int(to)?);
        let size = to.checked_sub(from).and_then(|size| size.checked_add(1)).unwrap_or(i64::MAX).max(0);
        self.grow(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Value::array((from..=to).map(Value::Int).collect()))
    }

    fn matches(&mut self, text: &Value, pattern: &Value) -> Result<Value, String> {
        match (text, pattern) {
            (Value::Nil, _) | (_, Value::Nil) => Ok(Value::Bool(false)),
            (Value::Text(text), Value::Text(pattern)) => {
                self.step(text.len() / 16)?;
                Ok(Value::Bool(crate::pattern::compile(pattern)?.is_match(text)))
            }
            (Value::Text(_), other) | (other, _) => Err(other.not_a("string")),
        }
    }

    fn member(&mut self, node: &Node, base: &Node, property: &Node, optional: bool) -> Result<Value, Stop> {
        let owner = self.eval(base)?;
        if optional && owner.is_nil() {
            return Err(Stop::Nil);
        }
        let key = match &property.kind {
            Kind::Text(name) => Value::text(name),
            _ => self.eval(property)?,
        };
        fetch(&owner, &key).map_err(|message| at(node, message))
    }

    fn slice(
        &mut self,
        node: &Node,
        base: &Node,
        from: Option<&Node>,
        to: Option<&Node>,
    ) -> Result<Value, Stop> {
        let wrong = |message: String| at(node, message);
        let owner = self.eval(base)?;
        let length = match &owner {
            Value::Text(text) => text.len(),
            Value::Array(items) => items.len(),
            other => {
                return Err(wrong(format!("invalid argument for len (type {})", other.type_name())));
            }
        };
        let mut end = |edge: Option<&Node>, otherwise: usize| -> Result<usize, Stop> {
            let Some(edge) = edge else { return Ok(otherwise) };
            let found = operate::to_int(&self.eval(edge)?).map_err(wrong)?;
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            let found = if found < 0 { length.saturating_add(found) } else { found };
            Ok(usize::try_from(found.clamp(0, length)).unwrap_or(0))
        };
        let to = end(to, length)?;
        let from = end(from, 0)?.min(to);
        Ok(match &owner {
            Value::Text(text) => {
                let bytes = text.as_bytes().get(from..to).unwrap_or_default();
                Value::text(String::from_utf8_lossy(bytes))
            }
            Value::Array(items) => Value::array(items.get(from..to).unwrap_or_default().to_vec()),
            _ => Value::Nil,
        })
    }

    fn call(&mut self, node: &Node, callee: &Node, args: &[Node]) -> Result<Value, Stop> {
        let function = self.eval(callee)?;
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.eval(arg)?);
        }
        self.apply(&function, &values).map_err(|message| at(node, message))
    }

    fn apply(&mut self, function: &Value, args: &[Value]) -> Result<Value, String> {
        self.step(args.iter().map(Value::weight).sum())?;
        let value = match function {
            Value::Nil => Err("invalid operation: cannot call nil".to_owned()),
            Value::Function(Function::Argo(name)) => super::argo::call(name, args, self),
            Value::Function(Function::Sprig(name)) => crate::sprig::call(name, args, self),
            Value::Function(Function::Method(owner, name)) => builtin::methods::call(owner, name, args),
            Value::Function(Function::Builtin(name)) => builtin::call(name, args, self),
            other => {
                Err(format!("invalid operation: cannot call non-function of type {}", other.type_name()))
            }
        }?;
        self.admit(value)
    }

    fn builtin(&mut self, node: &Node, name: &str, args: &[Node]) -> Result<Value, Stop> {
        if builtin::predicate_arity(name).is_some() {
            return self.predicate_call(node, name, args);
        }
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.eval(arg)?);
        }
        self.step(values.iter().map(Value::weight).sum()).map_err(|message| at(node, message))?;
        builtin::call(name, &values, self)
            .and_then(|value| self.admit(value))
            .map_err(|message| at(node, message))
    }

    fn pointer(&self, name: &str) -> Value {
        let Some(scope) = self.scopes.last() else { return Value::Nil };
        match name {
            "index" => Value::Int(i64::try_from(scope.at).unwrap_or(i64::MAX)),
            "acc" => scope.acc.clone(),
            _ => scope.items.get(scope.at).cloned().unwrap_or(Value::Nil),
        }
    }

    fn predicate_call(&mut self, node: &Node, name: &str, args: &[Node]) -> Result<Value, Stop> {
        let wrong = |message: String| at(node, message);
        let [collection, rest @ ..] = args else {
            return Err(wrong(format!("not enough arguments to call {name}")));
        };
        let collection = self.eval(collection)?;
        let items = items_of(&collection).map_err(wrong)?;
        // What stands in the third place is computed outside of the predicate.
        let third = match rest.get(1) {
            Some(third) => Some(self.eval(third)?),
            None => None,
        };
        let predicate = rest.first();
        self.scopes.push(Scope { items: Arc::clone(&items), at: 0, acc: Value::Nil });
        let value = match name {
            "reduce" => self.reduce(node, predicate, items.len(), third),
            "sortBy" | "groupBy" | "map" | "sum" => self.gather(node, name, predicate, &items, third),
            _ => self.search(node, name, predicate, &items),
        };
        self.scopes.pop();
        let value = value?;
        self.admit(value).map_err(wrong)
    }

    fn goto(&mut self, at: usize) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.at = at;
        }
    }

    /// The predicate's value for the item `index`; without a predicate the item itself.
    fn test(&mut self, predicate: Option<&Node>, index: usize) -> Result<Value, Stop> {
        self.goto(index);
        match predicate {
            Some(predicate) => self.eval(predicate),
            None => Ok(self.pointer("")),
        }
    }

    fn search(
        &mut self,
        node: &Node,
        name: &str,
        predicate: Option<&Node>,
        items: &Arc<Vec<Value>>,
    ) -> Result<Value, Stop> {
        let mut kept = Vec::new();
        let mut hits: i64 = 0;
        let backwards = name.starts_with("findLast");
        for step in 0..items.len() {
            let index = if backwards { items.len().saturating_sub(step).saturating_sub(1) } else { step };
            let value = self.test(predicate, index)?;
            let hit = truth(&value).map_err(|message| at(node, message))?;
            let item = || items.get(index).cloned().unwrap_or(Value::Nil);
            match name {
                "all" if !hit => return Ok(Value::Bool(false)),
                "none" if hit => return Ok(Value::Bool(false)),
                "any" if hit => return Ok(Value::Bool(true)),
                "find" | "findLast" if hit => return Ok(item()),
                "findIndex" | "findLastIndex" if hit => {
                    return Ok(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                }
                "filter" if hit => kept.push(item()),
                _ => hits = hits.saturating_add(i64::from(hit)),
            }
        }
        Ok(match name {
            "all" | "none" => Value::Bool(true),
            "any" => Value::Bool(false),
            "one" => Value::Bool(hits == 1),
            "count" => Value::Int(hits),
            "filter" => Value::array(kept),
            _ => Value::Nil,
        })
    }

    fn gather(
        &mut self,
        node: &Node,
        name: &str,
        predicate: Option<&Node>,
        items: &Arc<Vec<Value>>,
        third: Option<Value>,
    ) -> Result<Value, Stop> {
        let wrong = |message: String| at(node, message);
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        let mut sum = Value::Int(0);
        for (index, item) in items.iter().enumerate() {
            let value = self.test(predicate, index)?;
            if name == "sum" {
                sum = operate::binary(Binary::Add, &value, &sum).map_err(wrong)?;
            } else {
                pairs.push((value, item.clone()));
            }
        }
        match name {
            "sum" => Ok(sum),
            "map" => Ok(Value::array(pairs.into_iter().map(|(value, _)| value).collect())),
            "groupBy" => self.group(pairs).map_err(wrong),
            _ => {
                let descending = match &third {
                    None => false,
                    Some(Value::Text(order)) => builtin::descending(order)
                        .ok_or_else(|| wrong("unknown order, use asc or desc".to_owned()))?,
                    Some(_) => return Err(wrong("sortBy order argument must be a string".to_owned())),
                };
                builtin::sort_by_key(pairs, descending).map_err(wrong)
            }
        }
    }

    fn group(&mut self, pairs: Vec<(Value, Value)>) -> Result<Value, String> {
        let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
        for (key, item) in pairs {
            if matches!(key, Value::Array(_) | Value::Map(_) | Value::Groups(_)) {
                return Err(format!("runtime error: hash of unhashable type {}", key.type_name()));
            }
            self.step(groups.len())?;
            match groups.iter_mut().find(|(known, _)| operate::same(known, &key)) {
                Some((_, members)) => members.push(item),
                None => groups.push((key, vec![item])),
            }
        }
        let groups = groups.into_iter().map(|(key, members)| (key, Value::array(members))).collect();
        Ok(Value::Groups(Arc::new(groups)))
    }

    fn reduce(
        &mut self,
        node: &Node,
        predicate: Option<&Node>,
        length: usize,
        initial: Option<Value>,
    ) -> Result<Value, Stop> {
        let (mut acc, first) = match initial {
            Some(value) => (value, 0),
            None if length == 0 => {
                return Err(at(node, "reduce of empty array with no initial value".to_owned()));
            }
            None => (self.pointer(""), 1),
        };
        for index in first..length {
            if let Some(scope) = self.scopes.last_mut() {
                scope.acc = acc;
            }
            acc = self.test(predicate, index)?;
        }
        Ok(acc)
    }
}

fn at(node: &Node, message: String) -> Stop {
    Stop::Fault(Fault { at: node.at, message })
}

fn truth(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        other => Err(other.not_a("bool")),
    }
}

/// Go looks a needle up in a set of strings, where nil is the empty one.
fn among_texts(needle: &Value, texts: &[Value]) -> Result<bool, String> {
    match needle {
        Value::Nil => Ok(texts.iter().any(|text| text.as_str() == Some(""))),
        Value::Text(_) => Ok(texts.iter().any(|text| operate::same(text, needle))),
        other => Err(operate::not_assignable(other)),
    }
}

fn items_of(collection: &Value) -> Result<Arc<Vec<Value>>, String> {
    match collection {
        Value::Array(items) => Ok(Arc::clone(items)),
        Value::Text(text) => Ok(Arc::new(text.bytes().map(|byte| Value::Int(i64::from(byte))).collect())),
        Value::Map(fields) if fields.is_empty() => Ok(Arc::default()),
        Value::Map(_) | Value::Groups(_) => {
            Err("reflect: call of reflect.Value.Index on map Value".to_owned())
        }
        Value::Nil => Err("reflect: call of reflect.Value.Len on zero Value".to_owned()),
        other => Err(format!("reflect: call of reflect.Value.Len on {} Value", other.type_name())),
    }
}

/// Returns a member of a value.
fn fetch(owner: &Value, key: &Value) -> Result<Value, String> {
    let cannot = || Err(format!("cannot fetch {} from {}", super::print::plain(key), owner.type_name()));
    if let Value::Text(name) = key
        && let Some(method) = builtin::methods::find(owner, name)
    {
        return Ok(method);
    }
    match owner {
        Value::Array(items) => {
            let at = operate::to_int(key)?;
            builtin::position(at, items.len()).and_then(|at| items.get(at)).cloned().ok_or_else(|| {
                let length = items.len();
                let shown = if at < 0 { at.saturating_add(i64::try_from(length).unwrap_or(0)) } else { at };
                format!("index out of range: {shown} (array length is {length})")
            })
        }
        Value::Text(text) => {
            let at = operate::to_int(key)?;
            let length = text.len();
            builtin::position(at, length)
                .and_then(|at| text.as_bytes().get(at))
                .map(|byte| Value::Int(i64::from(*byte)))
                .ok_or_else(|| {
                    let shown =
                        if at < 0 { at.saturating_add(i64::try_from(length).unwrap_or(0)) } else { at };
                    format!("index out of range: {shown} (array length is {length})")
                })
        }
        Value::Map(fields) => match key {
            Value::Nil => Ok(fields.get("").cloned().unwrap_or(Value::Nil)),
            Value::Text(name) => Ok(fields.get(&**name).cloned().unwrap_or(Value::Nil)),
            other => Err(operate::not_assignable(other)),
        },
        Value::Groups(groups) => {
            let found = groups.iter().find(|(known, _)| operate::same(known, key));
            Ok(found.map_or(Value::Nil, |(_, value)| value.clone()))
        }
        Value::Sprig => Ok(key
            .as_str()
            .and_then(crate::sprig::find)
            .map_or(Value::Nil, |name| Value::Function(Function::Sprig(name)))),
        _ => cannot(),
    }
}
