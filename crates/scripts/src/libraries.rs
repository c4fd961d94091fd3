//! The libraries of functions that a store has, and the interpreters that have loaded some of them.
//!
//! All libraries of a moment are one [`Shelf`], which never changes: a change puts another one in its place, so whoever runs a function has a
//! whole library before him, old or new. An interpreter loads a library when it first runs a function of it. It goes when it
//! has loaded one that is not there any more.
//!
//! Invariant: nobody waits for an interpreter, and the locks here are held for a look only.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use kvark_base::Position;
use kvark_base::random::Random;
use parking_lot::Mutex;

use crate::registering::{Registered, is_name};
use crate::{Caller, Rights, Vm, header};

/// Interpreters that are kept for the next run at most.
const MAX_IDLE: usize = 64;

/// A function of a library.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What its author says of it.
    pub description: Option<String>,
    /// What its flags grant.
    pub rights: Rights,
    /// What was learned of it; how, is the affair of whoever runs it.
    pub learned: AtomicU8,
}

/// A library, which was loaded once.
#[derive(Debug)]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its functions, in the order in which they were registered.
    pub functions: Vec<Function>,
    code: Box<[u8]>,
    header_len: usize,
    /// No other has this number.
    pub(crate) id: u64,
}

impl Library {
    /// Its text.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// What is compiled: its lines keep their numbers.
    pub(crate) fn lua(&self) -> &[u8] {
        &self.code[self.header_len..]
    }
}

/// A function that was found, in its library.
#[derive(Debug, Clone)]
pub struct Found {
    /// The library.
    pub library: Arc<Library>,
    /// Which of its functions.
    pub at: usize,
}

impl Found {
    /// The function.
    pub fn function(&self) -> &Function {
        &self.library.functions[self.at]
    }
}

/// All libraries of a moment.
#[derive(Debug, Default)]
pub struct Shelf {
    libraries: BTreeMap<String, Arc<Library>>,
    /// By their names in small letters.
    functions: HashMap<String, Found>,
    ids: HashSet<u64>,
    /// No other shelf that was put in place has this number.
    number: u64,
    /// The log has it up to here.
    pub position: Position,
}

impl Shelf {
    /// With other libraries than before; the error is that two functions have one name.
    fn of(libraries: BTreeMap<String, Arc<Library>>) -> Result<Self, String> {
        let mut functions = HashMap::new();
        for library in libraries.values() {
            for (at, function) in library.functions.iter().enumerate() {
                let found = Found { library: Arc::clone(library), at };
                if functions.insert(function.name.to_ascii_lowercase(), found).is_some() {
                    return Err(format!("Function {} already exists", function.name));
                }
            }
        }
        let ids = libraries.values().map(|library| library.id).collect();
        Ok(Self { libraries, functions, ids, number: 0, position: 0 })
    }

    /// With these libraries too, in the place of those of the same name.
    pub fn with(&self, libraries: &[Arc<Library>]) -> Result<Self, String> {
        let mut all = self.libraries.clone();
        all.extend(libraries.iter().map(|library| (library.name.clone(), Arc::clone(library))));
        Self::of(all)
    }

    /// Without this library; `None` when there is none of that name.
    pub fn without(&self, name: &str) -> Option<Self> {
        let mut all = self.libraries.clone();
        all.remove(name)?;
        Some(Self::of(all).expect("fewer functions have no more names in common"))
    }

    /// The library of that name.
    pub fn library(&self, name: &str) -> Option<&Arc<Library>> {
        self.libraries.get(name)
    }

    /// The function of that name, whatever its letters' case.
    pub fn find(&self, name: &[u8]) -> Option<&Found> {
        self.functions.get(&String::from_utf8_lossy(name).to_ascii_lowercase())
    }

    /// Every library, by name.
    pub fn libraries(&self) -> impl ExactSizeIterator<Item = &Arc<Library>> {
        self.libraries.values()
    }

    /// How many functions there are.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    fn has_all_of(&self, vm: &Vm) -> bool {
        vm.libraries().all(|id| self.ids.contains(&id))
    }
}

/// What stands on the shelf, or is still to be loaded.
#[derive(Debug, Clone)]
enum State {
    /// The store was opened, and nobody has asked for a function yet.
    Texts(Arc<Vec<Vec<u8>>>),
    Loaded(Arc<Shelf>),
}

/// Every library of a store.
pub struct Libraries {
    version: &'static str,
    state: Mutex<State>,
    idle: Mutex<Vec<Vm>>,
    next_id: AtomicU64,
}

/// What is known of the libraries.
#[derive(Debug, Clone, Copy, Default)]
pub struct LibraryFacts {
    /// How many there are.
    pub libraries: usize,
    /// Functions in all of them.
    pub functions: usize,
    /// Bytes of their texts.
    pub text_bytes: usize,
    /// Bytes of the interpreters that nobody uses at this moment.
    pub interpreter_bytes: usize,
}

impl Libraries {
    pub(crate) fn new(version: &'static str) -> Self {
        let state = Mutex::new(State::Loaded(Arc::default()));
        Self { version, state, idle: Mutex::default(), next_id: AtomicU64::new(1) }
    }

    /// What a store had when it was closed: loaded when somebody asks for it.
    pub fn adopt(&self, texts: Vec<Vec<u8>>) {
        *self.state.lock() = State::Texts(Arc::new(texts));
        self.idle.lock().clear();
    }

    /// All libraries of this moment.
    pub fn shelf(&self, random: &mut Random) -> Arc<Shelf> {
        loop {
            let texts = match &*self.state.lock() {
                State::Loaded(shelf) => return Arc::clone(shelf),
                State::Texts(texts) => Arc::clone(texts),
            };
            let shelf = Arc::new(self.load_all(&texts, random));
            let mut state = self.state.lock();
            if matches!(&*state, State::Texts(now) if Arc::ptr_eq(now, &texts)) {
                *state = State::Loaded(shelf);
            }
        }
    }

    /// They were loaded before, so they can be; one that can't is told of and left out, until the next change.
    fn load_all(&self, texts: &[Vec<u8>], random: &mut Random) -> Shelf {
        let mut shelf = Shelf::default();
        for text in texts {
            let with = self.load(text, None, random).and_then(|library| shelf.with(&[Arc::new(library)]));
            match with {
                Ok(with) => shelf = with,
                Err(error) => eprintln!("kvark: a library of functions could not be loaded: {error}"),
            }
        }
        shelf
    }

    /// Whether this is what stands there now.
    pub fn is_current(&self, shelf: &Arc<Shelf>) -> bool {
        matches!(&*self.state.lock(), State::Loaded(now) if Arc::ptr_eq(now, shelf))
    }

    /// Puts `shelf` in the place of what was there.
    pub fn replace(&self, mut shelf: Shelf) {
        shelf.number = self.next_id.fetch_add(1, Ordering::Relaxed);
        *self.state.lock() = State::Loaded(Arc::new(shelf));
        let idle = std::mem::take(&mut *self.idle.lock());
        idle.into_iter().for_each(|vm| self.put_back(vm));
    }

    /// Loads a library, without keeping it. `caller` is asked whether that takes too long.
    pub fn load(&self, code: &[u8], caller: Option<&mut dyn Caller>, random: &mut Random) -> Result<Library, String> {
        let (name, header_len) = header::of_library(code)?;
        if !is_name(&name) {
            return Err(crate::registering::WRONG_NAME.into());
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let name = String::from_utf8_lossy(&name).into_owned();
        let mut library = Library { name, functions: Vec::new(), code: code.into(), header_len, id };
        // One that has failed half way has left things behind, so the interpreter is put back only if all went well.
        let mut vm = self.take(random);
        let registered = vm.load_library(&library, caller)?;
        if registered.is_empty() {
            return Err("No functions registered".into());
        }
        self.idle.lock().push(vm);
        library.functions = registered.into_iter().map(Function::of).collect();
        Ok(library)
    }

    /// An interpreter, for as long as it is wanted.
    pub fn take(&self, random: &mut Random) -> Vm {
        let idle = self.idle.lock().pop();
        idle.unwrap_or_else(|| Vm::new(self.version, random.next_u64() as u32, 0))
    }

    /// Puts an interpreter back.
    pub fn put_back(&self, mut vm: Vm) {
        let shelf = match &*self.state.lock() {
            State::Loaded(shelf) => Arc::clone(shelf),
            State::Texts(_) => return,
        };
        if vm.generation != shelf.number {
            if !shelf.has_all_of(&vm) {
                return;
            }
            vm.generation = shelf.number;
        }
        vm.collect();
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(vm);
        }
    }

    /// What is known of the libraries.
    pub fn facts(&self, random: &mut Random) -> LibraryFacts {
        let shelf = self.shelf(random);
        let interpreter_bytes = self.idle.lock().iter().map(Vm::used_bytes).sum();
        let text_bytes = shelf.libraries().map(|library| library.code.len()).sum();
        LibraryFacts { libraries: shelf.libraries().len(), functions: shelf.functions(), text_bytes, interpreter_bytes }
    }
}

impl Function {
    fn of(registered: Registered) -> Self {
        let Registered { name, description, rights, .. } = registered;
        Self { name, description, rights, learned: AtomicU8::new(0) }
    }
}
