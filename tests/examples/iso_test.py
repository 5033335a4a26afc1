"""examples/iso: the same answers, byte for byte, in every language."""

import csv
import io
import json
import os
import socket
import unittest
import urllib.parse

from settings import EXAMPLES, EXECUTABLE, ISO_CODES
from duet_process import Duet, eventually

QUERIES = [
    "portugl", "Portugal", "cote divoire", "Côte d'Ivoire", "CÔTE D’IVOIRE", "Åland", "ålnd",
    "united", "unted kingdm", "saint", "new zeland", "korea", "congo", "espanol", "français",
    "zuojiang zhuang", "eastern nisu", "euro", "dolar", "swiss frank", "x", "ab", "a b c",
    "Türkiye", "türkiye", "Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "日本", "\u2028", "e\u0301", "ﬁnland",
    "🇵🇹", "1'000", "democratic republic of the", "(", "%", "portugal portugal",
]


def query(**values):
    return "?" + urllib.parse.urlencode(values)


class IsoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duet = Duet(EXECUTABLE, [str(EXAMPLES / "iso/duet.toml")],
                        env={"ISO_CODES": ISO_CODES})
        cls.duet.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.duet.__exit__(None, None, None)

    def same(self, target, languages=("js", "py")):
        """The answer that all languages give."""
        answers = [self.duet.get(f"/{language}{target}") for language in languages]
        for language, answer in zip(languages[1:], answers[1:]):
            self.assertEqual(answers[0], answer, f"{languages[0]} and {language} on {target}")
        return answers[0]

    def table(self, standard):
        with open(os.path.join(ISO_CODES, f"iso_{standard}.json"), encoding="utf-8") as file:
            return json.load(file)[standard]

    def test_lookup_answers_every_country_alike(self):
        for row in self.table("3166-1"):
            for column in ("alpha_2", "alpha_3", "numeric"):
                answer = self.same(f"/countries/{row[column]}", ("cpp", "js", "py"))
                self.assertEqual(answer.status, 200)
                self.assertEqual(json.loads(answer.body), row)

    def test_lookup_ignores_case(self):
        self.assertEqual(self.same("/countries/pRt", ("cpp", "js", "py")).status, 200)

    def test_lookup_knows_languages_and_currencies(self):
        self.assertEqual(json.loads(self.same("/languages/pt").body)["name"], "Portuguese")
        self.assertEqual(json.loads(self.same("/languages/por").body)["name"], "Portuguese")
        self.assertEqual(json.loads(self.same("/currencies/chf").body)["name"], "Swiss Franc")

    def test_lookup_says_what_it_does_not_know(self):
        for code in ("XX", "P", "PORT", "%C3%9F", "p%20t", "%00", "%F0%9F%87%B5"):
            answer = self.same(f"/countries/{code}", ("cpp", "js", "py"))
            self.assertEqual(answer.status, 404, code)
            self.assertEqual(json.loads(answer.body), {"error": "no row has this code"})
        self.assertEqual(self.same("/planets/PT").status, 404)

    def test_search_ranks_alike(self):
        for text in QUERIES:
            for values in ({}, {"limit": "50"}, {"table": "countries", "limit": "3"},
                           {"table": "none"}):
                self.same("/search" + query(q=text, **values))

    def test_search_finds_what_was_meant(self):
        for text, expected in (("portugl", "Portugal"), ("ålnd", "Åland Islands"),
                               ("cote divoire", "Côte d'Ivoire"),
                               ("unted kingdm", "United Kingdom")):
            hits = json.loads(self.same("/search" + query(q=text, table="countries")).body)
            self.assertEqual(hits[0]["row"]["name"], expected)
            self.assertEqual(sorted(hits, key=lambda hit: -hit["score"]), hits)

    def test_search_gives_an_exact_name_the_highest_score(self):
        hits = json.loads(self.same("/search" + query(q="Portugal", table="countries")).body)
        self.assertEqual(hits[0]["score"], 1000)

    def test_search_refuses_what_makes_no_sense(self):
        for target in ("/search", "/search?q=", "/search?q=%20-%20", "/search?q=a&limit=0",
                       "/search?q=a&limit=51", "/search?q=a&limit=1e1", "/search?q=a&limit="):
            self.assertEqual(self.same(target).status, 400, target)

    def test_export_is_complete_in_both_formats(self):
        for name, standard in (("countries", "3166-1"), ("languages", "639-3"),
                               ("currencies", "4217")):
            rows = self.table(standard)
            lines = self.same(f"/export/{name}").body.decode().splitlines()
            self.assertEqual([json.loads(line) for line in lines], rows)
            text = self.same(f"/export/{name}?format=csv").body.decode()
            read = [{key: value for key, value in row.items() if value}
                    for row in csv.DictReader(io.StringIO(text, newline=""))]
            self.assertEqual(read, [{key: value for key, value in row.items() if value}
                                    for row in rows])

    def test_export_refuses_what_it_does_not_know(self):
        self.assertEqual(self.same("/export/planets").status, 404)
        self.assertEqual(self.same("/export/countries?format=xml").status, 400)

    def test_export_waits_for_slow_clients(self):
        whole = len(self.duet.get("/js/export/languages").body)
        for language in ("js", "py"):
            self.duet.get(f"/{language}/export/languages")
            before = self.duet.resident()
            clients = []
            for _ in range(200):
                client = socket.socket()
                # A small window, so that the kernel does not take what the client leaves.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(20)
                client.connect(("127.0.0.1", self.duet.port))
                client.sendall(f"GET /{language}/export/languages HTTP/1.1\r\nHost: a\r\n"
                               "Connection: close\r\n\r\n".encode())
                clients.append(client)
            for client in clients:
                self.assertTrue(client.recv(1))  # each answer has begun
            self.assertEqual(self.duet.get(f"/{language}/countries/PT").status, 200)
            grown = self.duet.resident() - before
            if "ASAN_OPTIONS" not in os.environ:  # its quarantine keeps what has been freed
                self.assertLess(grown, 200 * whole / 3,
                                f"{language}: a slow client holds the table")
            received = 1
            while piece := clients[0].recv(65536):
                received += len(piece)
            self.assertGreater(received, whole)
            for client in clients:
                client.close()
            eventually(lambda: self.duet.get(f"/{language}/countries/PT").status == 200,
                       "serving goes on when slow clients have left")


if __name__ == "__main__":
    unittest.main()
