"""Pages that are made from the program: what is committed is what it says."""

from processes import ROOT

PAGE = ROOT / "docs" / "operations" / "configuration.md"


def test_the_reference_of_all_options_is_the_one_of_the_program(processes):
    text = processes.run("help", "--markdown").text
    listing = processes.run().text.split("WHAT IT DOES\n")[1].split("\n\n")[0]
    for line in listing.splitlines():
        command = line.split()[0]
        assert command == "help" or f"\n## aquifer {command}\n" in text
    assert text == PAGE.read_text(), f"{PAGE.name} is old: run ./dev docs"


def test_the_reference_is_of_the_defaults_whatever_is_set(processes):
    calm = processes.run("help", "--markdown").text
    assert processes.run("help", "--markdown", environment={"AQUIFER_META": "tcp://x:1"}).text == calm
