//! The package under a real systemd as PID 1, in namespaces of its own: see `tests/system/service.sh`.

use std::{path::Path, process::Command};

use crate::world::{World, may_use_the_system};

#[test]
fn the_package_from_its_installation_to_its_removal() {
    if !may_use_the_system("the package under a real systemd") {
        return;
    }
    let Some(tools) = std::env::var_os("STORYWATCH_TORTURE") else { return };
    let world = World::new("");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = |version: &str| {
        let path = world.path(&format!("{version}.deb"));
        let built = Command::new(root.join("packaging/build-deb"))
            .env("PROFILE", "dev")
            .args(["--fast", "--deb-version", version, "--output", path.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        path
    };
    let (first, next) = (package("0.1.0-1"), package("0.1.0-2"));
    let output = Command::new(Path::new(&tools).join("systemd_boot.sh"))
        .args(["--no-start", "--timeout", "540", "--env", "FAILPOINTS=1"])
        .arg(root.join("systemd/storywatch.service"))
        .arg("--")
        .arg(format!(
            "rm -f /etc/systemd/system/storywatch.service /usr/sbin/policy-rc.d; systemctl daemon-reload; {}/tests/system/service.sh {} {}",
            root.display(),
            first.display(),
            next.display()
        ))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
}
