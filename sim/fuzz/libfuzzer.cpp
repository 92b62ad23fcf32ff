// The fuzzers under clang's libFuzzer, which is guided by coverage: for finding, not part of the build (preset fuzz).
//
// Shape    TAILRACE_FUZZ_STREAMS chooses the front: byte streams as they are, or scripts as text. Scripts are changed by
//          the splicer as well as by libFuzzer's own changes.
// Source   https://llvm.org/docs/LibFuzzer.html
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sim/fuzz/statements.h"
#include "sim/fuzz/streams.h"

using namespace tailrace::sim::fuzz;

namespace {

void expect_nothing(const std::string& finding) {
  if (finding.empty()) return;
  std::fprintf(stderr, "FOUND %s\n", finding.c_str());
  std::abort();
}

#ifndef TAILRACE_FUZZ_STREAMS
const Splicer& splicer() {
  static const Splicer known = [] {
    std::vector<Script> scripts = read_scripts(TAILRACE_TSQL_TESTDATA);
    for (Script& script : read_scripts(TAILRACE_FUZZ_CORPUS "/tsql"))
      scripts.push_back(std::move(script));
    return Splicer(scripts);
  }();
  return known;
}
#endif

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
#ifdef TAILRACE_FUZZ_STREAMS
  static Streams target;
  expect_nothing(target.run(input));
#else
  static Statements target;
  expect_nothing(target.run(parse_script(input)));
#endif
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
  Random random(seed);
  const std::string input(reinterpret_cast<const char*>(data), size);
#ifdef TAILRACE_FUZZ_STREAMS
  static const std::vector<std::string> good = good_streams();
  if (random() % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  const std::string out =
      changed_stream(size == 0 || random() % 4 == 0 ? good : std::vector<std::string>{input}, random);
#else
  Script script = parse_script(input);
  if (script.empty()) script = splicer().script(random);
  const std::size_t at = random() % script.size();
  switch (random() % 8) {
    case 0: return LLVMFuzzerMutate(data, size, most);
    case 1: script.erase(script.begin() + static_cast<std::ptrdiff_t>(at)); break;
    case 2: {
      const Script other = splicer().script(random);
      if (!other.empty())
        script.insert(script.begin() + static_cast<std::ptrdiff_t>(at), other[random() % other.size()]);
      break;
    }
    default: script[at] = splicer().mutated(script[at], random, most / 2); break;
  }
  const std::string out = script_text(script);
#endif
  const std::size_t bytes = std::min(out.size(), most);
  std::memcpy(data, out.data(), bytes);
  return bytes;
}
