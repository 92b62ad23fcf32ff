"""What perf tells, as stacks, and the picture of them."""

import unittest
import xml.etree.ElementTree

from bench import flame

TOLD = """\
tailrace 
\t           12ab tailrace::postgres::put_numeric(tailrace::WireBuffer&, __int128, int)
\t           34cd std::function<bool (int)>::operator()(int) const
\t           56ef start_thread

postgres 
\t           1e6e [unknown]
\t           2700 main

python3 
\t           2700 main

tailrace 
\t           56ef start_thread

"""


class Stacks(unittest.TestCase):
    def test_each_sample_is_a_stack_from_its_process_inwards(self):
        self.assertEqual(dict(flame.stacks(TOLD.splitlines(keepends=True))), {
            ("tailrace", "start_thread", "postgres::put_numeric"): 1,
            ("tailrace", "start_thread"): 1,
            ("PostgreSQL", "main"): 1})

    # They have names of their own, and would be nobody's.
    def test_threads_of_kafkas_client_are_tailrace(self):
        told = "rdk:broker1 \n\t           2700 rd_kafka_produce\n\t           56ef start_thread\n\n"
        self.assertEqual(dict(flame.stacks(told.splitlines(keepends=True))), {("tailrace", "start_thread", "rd_kafka_produce"): 1})

    def test_names_lose_their_arguments_alone(self):
        for symbol, name in (("tailrace::(anonymous namespace)::Load::work(int&, std::vector<int>)", "Load::work"),
                             ("memmove", "memmove"), ("bool operator<(int, int)", "bool operator<"),
                             ("tailrace::Load::work(int)::{lambda(int)#1}::operator()(int) const", "Load::work::{lambda#1}::operator()")):
            with self.subTest(symbol):
                self.assertEqual(flame.short(symbol), name)


class Picture(unittest.TestCase):
    def test_frames_are_as_wide_as_their_samples(self):
        found = flame.stacks(TOLD.splitlines())
        picture = xml.etree.ElementTree.fromstring(flame.drawn(found, "a < b"))
        space = "{http://www.w3.org/2000/svg}"
        widths = {}
        for group in picture.iter(f"{space}g"):
            widths[group.find(f"{space}title").text] = float(group.find(f"{space}rect").get("width"))
        self.assertAlmostEqual(widths["tailrace: 66.7 %"], 800, delta=0.1)
        self.assertAlmostEqual(widths["PostgreSQL: 33.3 %"], 400, delta=0.1)
        self.assertAlmostEqual(widths["postgres::put_numeric: 33.3 %"], 400, delta=0.1)
        self.assertEqual(picture.find(f"{space}text").text, "a < b")

    def test_shares(self):
        self.assertEqual(flame.shares(flame.stacks(TOLD.splitlines())), {"tailrace": 2 / 3, "PostgreSQL": 1 / 3})


if __name__ == "__main__":
    unittest.main()
