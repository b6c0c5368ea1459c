//! The files as a source of blocks, each block with the format of its file.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use connect::files::{Block, Blocks, FileError, Files, Follow, Inputs, Notice, Position};
use millstream::{Context, Filled, Source};

use crate::config::Config;
use crate::event::{Event, Listener};
use crate::ledger::Ledger;
use crate::recognize::{FileFormat, recognize};

/// What a file brings at once.
const BLOCK: usize = 256 << 10;

/// Files to their end, or files as they grow.
pub(crate) enum Input {
    Files(Box<Blocks<FileFormat>>),
    Follow(Box<Follow<FileFormat>>),
}

impl Input {
    /// Opens `inputs`, or follows what `config` names. `resume`: where files of an earlier run
    /// stood.
    pub(crate) fn open(
        config: &Config,
        inputs: &Inputs,
        resume: Vec<Position>,
        ledger: &Ledger,
        listener: &Listener,
    ) -> Result<Self, FileError> {
        let recognize = recognize(config.format, config.keys.clone(), Arc::clone(listener));
        let (notify, ledger) = (Arc::clone(listener), ledger.clone());
        // Room for the longest record beside what follows it in the block, and no less than a file
        // brings at once: a record that is whole in a file is whole in a pipe, too.
        let longest = config.max_line.saturating_add(64 << 10).max(BLOCK);
        let hold = config.hold;
        if config.follow {
            let follow = Follow::new(&config.inputs, recognize)?
                .resume(resume)
                .hold(hold)
                .max_record(longest)
                .on_notice(move |notice| {
                    if let Notice::Lost { position } = &notice {
                        ledger.forget(position.identity);
                    }
                    notify(match notice {
                        Notice::Failed(error) => Event::Failed(error.to_string()),
                        other => Event::Notice(other.to_string()),
                    });
                });
            return Ok(Self::Follow(Box::new(follow)));
        }
        let blocks = Blocks::new(inputs, recognize)
            .hold(hold)
            .max_record(longest)
            .on_error(move |error| notify(Event::Failed(error.to_string())));
        listener(Event::Reading { bytes: inputs.bytes(), read: blocks.progress() });
        Ok(Self::Files(Box::new(blocks)))
    }

    pub(crate) fn files(&self) -> Files {
        match self {
            Self::Files(blocks) => blocks.files().clone(),
            Self::Follow(follow) => follow.files().clone(),
        }
    }
}

impl Source for Input {
    type Item = Block<FileFormat>;
    type Error = FileError;

    fn fill(
        &mut self,
        ctx: &Context,
        out: &mut VecDeque<Self::Item>,
        max: usize,
    ) -> Result<Filled, FileError> {
        // Blocks are large: a few at a time keep memory flat, and give every worker its own.
        let max = max.min(1);
        match self {
            Self::Files(blocks) => blocks.fill(ctx, out, max),
            Self::Follow(follow) => follow.fill(ctx, out, max),
        }
    }
}

/// Files that failed, for the outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(Arc<Mutex<Vec<String>>>);

impl Problems {
    pub(crate) fn add(&self, problem: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
