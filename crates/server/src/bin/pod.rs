//! Runs the pods of this crate's tests: turns into whatever the backend asks for. The product's own program is `marque`.

fn main() {
    backend::reexec();
}
