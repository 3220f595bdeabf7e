//! The commit is on disk before the answer: the system calls of the real program say so. For each answered record, after
//! its body was read, its log was written and flushed to the disk, and only then the answer was written.

use std::process::Stdio;

use crate::load::{client, token};
use crate::program::{Place, until, without};
use crate::records::{code, dossier};

/// The calls that matter; answers and bodies may travel in any of them.
const CALLS: &str = "trace=fsync,fdatasync,write,writev,sendto,sendmsg,pwrite64,pwritev,read,readv,recvfrom,recvmsg";

const ONE_BY_ONE: usize = 15;
const AT_ONCE: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_is_on_disk_before_the_answer() {
    if without("strace") {
        return;
    }
    let here = std::process::Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    assert!(here.is_ok_and(|status| status.success()), "install strace; tests/run does it");
    let place = Place::new(None);
    let trace = place.path().join("trace");
    // -D: the tracer is the grandchild, so that the child is the program.
    let words = ["strace", "-D", "-f", "-y", "-s", "6000", "-e", CALLS, "-o", trace.to_str().unwrap()];
    let place = place.through(words);
    let mut program = place.start().await;
    let http = client();
    let token = token(&http, program.public, "one-stop").await;
    let url = format!("http://{}/v1/dossiers", program.public);
    let push = async |n: usize| {
        let body = dossier(&code(n), "2").to_string();
        let request = http.post(&url).bearer_auth(&token).header("content-type", "application/json").body(body);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 202);
    };
    for n in 0..ONE_BY_ONE {
        push(n).await;
    }
    let at_once = (ONE_BY_ONE..ONE_BY_ONE + AT_ONCE).map(|n| {
        let (request, body) = (http.post(&url).bearer_auth(&token), dossier(&code(n), "2").to_string());
        tokio::spawn(request.header("content-type", "application/json").body(body).send())
    });
    for answer in at_once.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap().unwrap().status().as_u16(), 202);
    }
    let process = program.id().to_string();
    program.kill();
    let last = format!("{process} +++ killed by SIGKILL +++");
    let text = until("the trace is complete", async || {
        let text = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
        text.lines().any(|line| line.split_whitespace().eq(last.split_whitespace())).then_some(text)
    })
    .await;
    for n in 0..ONE_BY_ONE + AT_ONCE {
        flushed_before_answer(&text, &code(n)).unwrap_or_else(|what| panic!("record {n}: {what}"));
    }
    println!("{} answers, each after a flush of its record", ONE_BY_ONE + AT_ONCE);
}

/// Looks for the four steps of one record in their order.
fn flushed_before_answer(trace: &str, code: &str) -> Result<(), String> {
    let lines: Vec<Call<'_>> = trace.lines().filter_map(Call::read).collect();
    let find = |from: usize, what: &str, is: &dyn Fn(&Call<'_>) -> bool| {
        let found = lines[from..].iter().position(is).map(|at| from + at);
        found.ok_or_else(|| format!("{what} was not seen after call {from}"))
    };
    let read = find(0, "the reading of the body", &|call| call.reads() && call.done && call.text.contains(code))?;
    let answer =
        find(0, "the answer", &|call| call.sends() && call.text.contains("HTTP/1.1 202") && call.text.contains(code))?;
    let written = find(read, "a write of the log", &|call| call.name.starts_with("pwrite") && call.is_log())?;
    let mut begun = find(written, "a flush of the log", &|call| call.flushes() && call.begins)?;
    loop {
        let process = lines[begun].process;
        let end = find(begun, "the end of the flush", &|call| {
            call.process == process && call.name == lines[begun].name && call.done
        })?;
        if !lines[end].text.trim_end().ends_with("= 0") {
            begun = find(end + 1, "a flush that succeeds", &|call| call.flushes() && call.begins)?;
            continue;
        }
        return if end < answer { Ok(()) } else { Err(format!("answered in call {answer}, flushed in call {end}")) };
    }
}

/// One line of the trace: a call, its beginning, or its end.
struct Call<'a> {
    process: &'a str,
    name: &'a str,
    text: &'a str,
    /// Whether it began in this line, and whether it ended in it.
    begins: bool,
    done: bool,
}

impl<'a> Call<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (process, rest) = line.split_once(' ')?;
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (name, text) = resumed.split_once(" resumed>")?;
            return Some(Self { process, name, text, begins: false, done: true });
        }
        let (name, text) = rest.split_once('(')?;
        Some(Self { process, name, text, begins: true, done: !text.ends_with("<unfinished ...>") })
    }

    fn reads(&self) -> bool {
        matches!(self.name, "read" | "readv" | "recvfrom" | "recvmsg")
    }

    fn sends(&self) -> bool {
        self.begins && matches!(self.name, "write" | "writev" | "sendto" | "sendmsg")
    }

    fn flushes(&self) -> bool {
        matches!(self.name, "fsync" | "fdatasync") && self.is_log()
    }

    fn is_log(&self) -> bool {
        self.text.contains("lgsp.db-wal>")
    }
}

const BODY: &str = "7 recvfrom(9<socket:[1]>, \"{\\\"MaHoSo\\\":\\\"A-1\\\"}\", 99, 0, NULL, NULL) = 18\n";
const WRITE: &str = "8 pwrite64(5</s/lgsp.db-wal>, \"x\", 1, 0) = 1\n";
const FLUSH: &str = "8 fdatasync(5</s/lgsp.db-wal>) = 0\n";
const ANSWER: &str = "7 sendto(9<socket:[1]>, \"HTTP/1.1 202 Accepted {A-1}\", 99, 0, NULL, 0) = 99\n";

#[test]
fn the_proof_fails_for_an_answer_that_came_too_early() {
    let check = |calls: &[&str]| flushed_before_answer(&calls.concat(), "A-1");
    let (begun, ended) = ("8 fdatasync(5</s/lgsp.db-wal> <unfinished ...>\n", "8 <... fdatasync resumed>) = 0\n");
    assert_eq!(check(&[BODY, WRITE, FLUSH, ANSWER]), Ok(()));
    assert_eq!(check(&[BODY, WRITE, begun, BODY, ended, ANSWER]), Ok(()));
    for (name, calls) in [
        ("no flush", &[BODY, WRITE, ANSWER][..]),
        ("flushed afterwards", &[BODY, WRITE, ANSWER, FLUSH]),
        ("flushed before it was written", &[BODY, FLUSH, WRITE, ANSWER]),
        ("flushed before it was read", &[WRITE, FLUSH, BODY, ANSWER]),
        ("not flushed to the end", &[BODY, WRITE, begun, ANSWER, ended]),
        (
            "a flush that failed",
            &[BODY, WRITE, "8 fdatasync(5</s/lgsp.db-wal>) = -1 EIO (Input/output error)\n", ANSWER],
        ),
        ("another file", &[BODY, WRITE, "8 fdatasync(5</s/lgsp.db>) = 0\n", ANSWER]),
    ] {
        assert!(check(calls).is_err(), "{name}");
    }
}
