"""replayed.py TERN_SEND DIALOGUE_TEST - what tern-send says of a mail, and what the replay of its --trace says: the same of each
recipient. Closes with `N passed, N failed`."""
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
import replay  # noqa: E402
import scripted  # noqa: E402
from scripted import Scripted, check, clear, run, table  # noqa: E402

TO = ("b@example.net", "c@example.net", "d@example.net")


def envelope(peer, *keywords, replies=("250 ok", "250 ok", "250 ok", "250 ok", "354 go")):
    peer.hello("PIPELINING", *keywords)
    peer.want("MAIL")
    for _ in TO:
        peer.want("RCPT")
    if "CHUNKING" in keywords:
        peer.say(*replies[:4])
        peer.exactly(int(peer.want("BDAT").split()[1]))
    else:
        peer.want("DATA")
        peer.say(*replies)


def good(peer):
    envelope(peer, "SIZE 100000")
    peer.content()
    peer.say("250 2.0.0 queued as 4F2A")
    peer.quit()


def by_chunks(peer):
    envelope(peer, "CHUNKING", "SIZE")
    peer.say("250 2.0.0 ok")
    peer.quit()


def some_refused(peer):
    envelope(peer, replies=("250 ok", "250 ok", "550 5.1.1 no such user", "450 4.2.0 not now", "354 go"))
    peer.content()
    peer.say("250 2.0.0 ok")
    peer.quit()


def mail_refused(peer):
    envelope(peer, replies=("550-5.7.1 not from you", "550 5.7.1 really", "503 no", "503 no", "503 no", "503 no"))
    peer.quit()


def content_refused(peer):
    envelope(peer)
    peer.content()
    peer.say("554 5.6.0 {it} is \\ spam")
    peer.quit()


def lost(peer):
    envelope(peer)
    peer.content()
    peer.close()


def one_by_one(peer):
    envelope(peer, "PRDR")
    peer.content()
    peer.say("353 wait", "250 b", "550 5.7.1 c does not", "250 d", "250 2.0.0 ok")
    peer.quit()




@table("replay", [("good", good, []), ("by chunks", by_chunks, []), ("some refused", some_refused, []), ("MAIL refused", mail_refused, []),
                  ("content refused", content_refused, []), ("lost", lost, []), ("one by one", one_by_one, ["--prdr"])])
def replayed(script, options):
    with Scripted(script) as s:
        r = run(clear(s, *options, to=TO))
    again, code, output = replay.replay(DIALOGUE_TEST, r.err.decode("latin-1"))
    said = [line.split()[:2] for line in replay.results(output) if line.startswith("<")]
    check(code == 0 and said == [["<%s>" % to, outcome] for to, outcome in zip(TO, r.outcomes)], "replay", (r, again.dialogue(), output))


if __name__ == "__main__":
    scripted.SEND, DIALOGUE_TEST = map(os.path.abspath, sys.argv[1:3])
    sys.exit(scripted.main(__name__, ""))
