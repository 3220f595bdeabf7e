//! Folders of contracts, bent and broken: the loader tells what is wrong and where, keeps the good ones, and what it keeps
//! can be described.

use std::time::{Duration, Instant};

use lgsp_contract::{SourceFile, load, openapi, wsdl};

use crate::bridge;
use crate::chance::Chance;
use crate::mutate::{end, one_of};
use crate::texts::Language;

/// The longest loading of all contracts, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

const WORDS: [&str; 64] = [
    "\"",
    "\n",
    " = ",
    "[",
    "]",
    "[[operation]]\n",
    "[expose]\n",
    "[upstream]\n",
    "[names]\n",
    "[queue]\n",
    "[[operation]]\nname = \"x\"\n",
    "true",
    "false",
    "0",
    "-1",
    "99999999999999999999",
    "1e400",
    "\"1s\"",
    "\"0s\"",
    "\"9999999h\"",
    "\"1/s\"",
    "\"0/s\"",
    "\"1KiB\"",
    "\"proxy\"",
    "\"queue\"",
    "\"intake\"",
    "\"json\"",
    "\"soap\"",
    "\"any\"",
    "path = \"/v1\"\n",
    "path = \"/services/bridge\"\n",
    "path = \"/{x}\"\n",
    "path = \"/{*rest}\"\n",
    "path = \"/../x\"\n",
    "method = \"GET\"\n",
    "method = []\n",
    "request = \"none.json\"\n",
    "request = \"../../x.json\"\n",
    "request = \"map/request.map\"\n",
    "key = \"/so\"\n",
    "agency = \"/so\"\n",
    "record = \"dossier\"\n",
    "element = \"a b\"\n",
    "element = \"\"\n",
    "element = \"{urn:x}y\"\n",
    "element = \"nope:x\"\n",
    "\"$ref\": \"#\"",
    "\"$ref\": \"http://x/y\"",
    "\"type\": \"strnig\"",
    "\"pattern\": \"(a+)+$\"",
    "\"pattern\": \"(?=x)\"",
    "\"enum\": []",
    "{\"",
    "\"}",
    ":",
    ",",
    "<xs:include schemaLocation=\"upstream.xsd\"/>",
    "<xs:import namespace=\"x\"/>",
    "<xs:any/>",
    "maxOccurs=\"99999999\"",
    "<",
    "</",
    "valid_from = 0000-00-00\n",
    "id = \"Ố\"\n",
];

#[test]
fn any_folder_is_loaded_or_told_and_the_good_ones_stay() {
    let mut chance = Chance::printed("folders");
    let shipped = lgsp_contract::shipped();
    let good = bridge::files();
    let (whole, wrong) = load(&[shipped.clone(), good.clone()].concat());
    assert!(wrong.is_empty(), "{wrong:?}");
    let known = whole.ids().count() + whole.services().count();
    let (end, mut kept, mut told) = (end(), 0, 0);
    // The folder that is bent stands beside one that is whole.
    let others: Vec<SourceFile> = shipped.iter().filter(|file| file.path.starts_with("progress/")).cloned().collect();
    let pool: Vec<SourceFile> = [good, shipped].concat();
    while Instant::now() < end {
        // Half of the time the one that has everything.
        let from = if chance.below(2) == 0 { &pool[..1] } else { &pool };
        let folder = one_of(&mut chance, from).path.split('/').next().unwrap().to_owned();
        let mut files: Vec<SourceFile> =
            pool.iter().filter(|file| file.path.starts_with(&format!("{folder}/"))).cloned().collect();
        for _ in 0..chance.below(3) {
            bend(&mut chance, &mut files);
        }
        let renamed = files.into_iter().map(|file| SourceFile { path: format!("bent-{}", file.path), ..file });
        let files: Vec<SourceFile> = renamed.chain(others.iter().cloned()).collect();
        let begun = Instant::now();
        let (catalogue, wrong) = load(&files);
        assert!(begun.elapsed() < LONGEST, "{:?} for {files:?}", begun.elapsed());
        assert!(catalogue.contract("progress").is_some() || folder == "progress", "a good one was dropped: {files:?}");
        for diagnostic in &wrong {
            assert!(!diagnostic.message.is_empty() && !diagnostic.file.is_empty(), "{diagnostic:?}");
        }
        for service in catalogue.services() {
            let described = openapi(service, "http://x");
            assert!(described["paths"].is_object());
            if let Some(text) = wsdl(service, "http://x") {
                let read = roxmltree::Document::parse(&text);
                assert!(read.is_ok(), "{:?}: {text}", read.err());
            }
            kept += 1;
        }
        told += usize::from(!wrong.is_empty());
    }
    assert!(known > 3 && kept > 0 && told > 0, "the mutations miss a kind: {kept}, {told}");
    println!("{kept} services kept, {told} folders told");
}

fn bend(chance: &mut Chance, files: &mut Vec<SourceFile>) {
    if files.is_empty() {
        return;
    }
    let at = chance.below(files.len());
    match chance.below(10) {
        0 => drop(files.remove(at)),
        1 => {
            let other = one_of(chance, files).text.clone();
            files[at].text = other;
        }
        2 => files[at].path.push('x'),
        _ => {
            let seeds: Vec<Vec<u8>> = vec![files[at].text.clone().into_bytes()];
            files[at].text = Language { seeds: &seeds, words: &WORDS }.bent_text(chance);
        }
    }
}
