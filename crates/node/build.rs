fn main() {
    napi_build::setup();
    // A worker of Node that ends unloads the addons that only it has loaded. Threads of ours may still be on their way
    // out then, and the handler of signals may be the one to which another library's leads back: the code has to stay.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
