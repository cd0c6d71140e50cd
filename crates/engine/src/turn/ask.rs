//! What is kept outside the run and asked for before something starts: keys of ConfigMaps for parameters, the
//! templates of WorkflowTemplates. Who waits has no node yet; a question is asked once at a time, however many wait.
//! Source: Argo `workflow/common/util.go` ProcessArgs, `operator.go` setGlobalParameters.
//! Not here: memoized entries (they are asked for by a node).

use expr::{Lookup, Names, Unresolved, lang::Env, substitute_with};
use model::argo::{AnyString, KeySelector, ValueFrom};

use super::Turn;
use crate::{
    Answer, Command, Question,
    live::{Asked, Start},
};

/// What is known of questions asked before.
pub(crate) type Told = Vec<(Question, Answer)>;

/// What the name of a ConfigMap may refer to.
pub(super) struct Known<'a> {
    /// What names stand for.
    pub(super) look_up: &'a mut dyn FnMut(&str) -> Lookup,
    /// Makes what expressions look at.
    pub(super) env: &'a dyn Fn() -> Env,
    /// What was made.
    made: Option<Env>,
}

impl<'a> Known<'a> {
    pub(super) fn new(look_up: &'a mut dyn FnMut(&str) -> Lookup, env: &'a dyn Fn() -> Env) -> Self {
        Self { look_up, env, made: None }
    }
}

impl Names for Known<'_> {
    fn lookup(&mut self, name: &str) -> Lookup {
        (self.look_up)(name)
    }
    fn env(&mut self) -> Option<&Env> {
        Some(self.made.get_or_insert_with(self.env))
    }
}

/// Returns the question for a key of a ConfigMap, its tags replaced.
///
/// # Errors
/// What cannot be replaced.
pub(super) fn for_key(key: &KeySelector, known: &mut Known<'_>) -> Result<Question, String> {
    let mut text = |text: &str| {
        substitute_with(text, known, Unresolved::Refuse)
            .map_err(|error| format!("failed to substitute configMapKeyRef: {error}"))
    };
    Ok(Question::ConfigMapKey { name: text(&key.name)?, key: text(&key.key)? })
}

/// Returns what is known of `question`.
pub(super) fn told<'k>(known: &'k Told, question: &Question) -> Option<&'k Answer> {
    known.iter().find(|(asked, _)| asked == question).map(|(_, answer)| answer)
}

/// Returns the text an answer gives; if what was asked for is missing, the default.
///
/// # Errors
/// The answer's message.
pub(super) fn text_of(answer: &Answer, from: &ValueFrom) -> Result<AnyString, String> {
    match (answer, &from.default) {
        (Answer::Text(text), _) => Ok(text.as_str().into()),
        (Answer::NotFound(_), Some(default)) => Ok(default.clone()),
        (Answer::NotFound(message) | Answer::Refused(message), _) => Err(message.clone()),
        (Answer::Memo { .. } | Answer::Templates(_), _) => {
            Err("the answer is of another kind than the question".to_owned())
        }
    }
}

impl Turn {
    /// Asks `question`, for a node about to start or for the run itself.
    pub(super) fn ask(&mut self, question: Question, start: Option<Start>) {
        let of_run = start.is_none();
        if let Some(asked) = self.run.live.asked.iter_mut().find(|asked| asked.question == question) {
            asked.of_run |= of_run;
            asked.waiting.extend(start);
            return;
        }
        self.commands.push(Command::Ask { node: None, question: question.clone() });
        self.run.live.asked.push(Asked { question, of_run, waiting: start.into_iter().collect() });
    }

    /// A question is answered: whoever waited for it goes on.
    pub(super) fn answered(&mut self, question: &Question, answer: &Answer) {
        let Some(at) = self.run.live.asked.iter().position(|asked| asked.question == *question) else {
            return;
        };
        let asked = self.run.live.asked.remove(at);
        self.pin(question, answer);
        for mut start in asked.waiting {
            start.known.push((question.clone(), answer.clone()));
            self.then_start(start);
        }
        if asked.of_run {
            self.run.live.known.push((question.clone(), answer.clone()));
            self.begin_entry();
        }
    }
}
