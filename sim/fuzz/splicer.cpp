// Statements as nobody wrote them.
#include "sim/fuzz/splicer.h"

#include <algorithm>

#include "sim/tsql/parse/lexer.h"

namespace tailrace::sim::fuzz {
namespace {

// Kinds of tokens; names and keywords are told apart, so that one takes the place of its like.
constexpr int keyword = static_cast<int>(tsql::TokenKind::bad) + 1;
constexpr std::size_t kinds = keyword + 1;

int kind_of(const tsql::Token& token) {
  return token.kind == tsql::TokenKind::word && tsql::is_reserved(token.text) ? keyword
                                                                              : static_cast<int>(token.kind);
}

// Where programs go wrong: the ends of ranges, empty and odd texts, what switches a meaning.
constexpr std::string_view oddities[] = {"0",
                                         "1",
                                         "-1",
                                         "127",
                                         "255",
                                         "256",
                                         "32767",
                                         "-32768",
                                         "65535",
                                         "2147483647",
                                         "2147483648",
                                         "-2147483648",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "99999999999999999999999999999999999999",
                                         "100000000000000000000000000000000000000",
                                         "0.0000000000000000000000000000000000001",
                                         "1e308",
                                         "-1e-320",
                                         "1e999",
                                         "$922337203685477.5807",
                                         "-$922337203685477.5808",
                                         "0x",
                                         "0xFFFFFFFFFFFFFFFFFFFF",
                                         "''",
                                         "N''",
                                         "' '",
                                         "N'\xF0\x9F\x99\x82'",
                                         "N'\xED\xA0\x80'",
                                         "'%'",
                                         "'[a-'",
                                         "'0001-01-01'",
                                         "'9999-12-31 23:59:59.9999999'",
                                         "'1753-01-01'",
                                         "'00000000-0000-0000-0000-000000000000'",
                                         "NULL",
                                         "DEFAULT",
                                         "*",
                                         "@@ROWCOUNT",
                                         "@p",
                                         "GETDATE()",
                                         "NEWID()",
                                         "CAST(NULL AS sql_variant)",
                                         "CAST(1 AS sql_variant)",
                                         "CAST('x' AS xml)",
                                         "CAST('/1/' AS hierarchyid)",
                                         "geometry::Parse('POINT(1 2)')",
                                         "CAST(REPLICATE('x', 8000) AS varchar(max))",
                                         "REPLICATE(N'\xE6\x97\xA5', 4000)",
                                         "(SELECT 1)",
                                         "(SELECT a FROM t)",
                                         "(SELECT TOP 1 b FROM t ORDER BY a)",
                                         "t",
                                         "t.a",
                                         "dbo.t",
                                         "shop.dbo.t",
                                         "master.dbo.t",
                                         "cdc.dbo_t_CT",
                                         "sys.objects",
                                         "sys.columns",
                                         "cdc.lsn_time_mapping",
                                         "#x",
                                         "@t",
                                         "[a]]b]",
                                         "\"q\"",
                                         "COLLATE Latin1_General_BIN2",
                                         "COLLATE Japanese_CI_AS",
                                         "OVER (PARTITION BY a ORDER BY b)",
                                         "OVER ()",
                                         "GROUP BY a",
                                         "ORDER BY 1",
                                         "HAVING COUNT(*) > 0",
                                         "WHERE 1 = 0",
                                         "UNION ALL SELECT 1",
                                         "EXCEPT SELECT 1",
                                         "OUTPUT inserted.*",
                                         "OUTPUT deleted.a",
                                         "TOP (1)",
                                         "DISTINCT",
                                         "CROSS APPLY (SELECT 1 AS x) AS y",
                                         "LEFT JOIN t AS z ON z.a = 1",
                                         "IS NULL",
                                         "IN (1, NULL)",
                                         "BETWEEN 1 AND 2",
                                         "LIKE '%a_[^b]'",
                                         "BEGIN TRAN",
                                         "COMMIT",
                                         "ROLLBACK",
                                         "SAVE TRAN s",
                                         "ROLLBACK TRAN s",
                                         "SET XACT_ABORT ON",
                                         "SET NOCOUNT ON",
                                         "SET IMPLICIT_TRANSACTIONS ON",
                                         "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
                                         "SET LOCK_TIMEOUT 0",
                                         "SET ROWCOUNT 1",
                                         "SET TEXTSIZE 1",
                                         "DROP TABLE t",
                                         "TRUNCATE TABLE t",
                                         "EXEC sys.sp_cdc_disable_table 'dbo', 't', 'all'",
                                         "EXEC sp_sim_control 'scan'",
                                         "EXEC sp_sim_control 'interleave'",
                                         "THROW",
                                         "BREAK",
                                         "CONTINUE",
                                         "RETURN"};

std::size_t below(Random& random, std::size_t end) {
  return end == 0 ? 0 : random() % end;
}

}  // namespace

Splicer::Splicer(const std::vector<Script>& known) : scripts_(known), by_kind_(kinds) {
  for (const Script& script : known) {
    for (const std::string& statement : script) {
      statements_.push_back(statement);
      cut_statements_.push_back(cut(statement));
      for (const Piece& piece : cut_statements_.back())
        by_kind_[static_cast<std::size_t>(piece.kind)].push_back(piece);
    }
  }
}

Splicer::Pieces Splicer::cut(std::string_view statement) {
  Pieces out;
  tsql::Lexer lexer(statement, true);
  tsql::Token token = lexer.next();
  while (token.kind != tsql::TokenKind::end) {
    const tsql::Token next = lexer.next();
    const std::size_t end = next.kind == tsql::TokenKind::end ? statement.size() : next.offset;
    if (end > token.offset)
      out.push_back({std::string(statement.substr(token.offset, end - token.offset)), kind_of(token)});
    if (token.kind == tsql::TokenKind::bad) break;
    token = next;
  }
  return out;
}

const Splicer::Piece& Splicer::known_piece(int kind, Random& random) const {
  const Pieces* pool = &by_kind_[static_cast<std::size_t>(kind)];
  if (pool->empty()) pool = &by_kind_[static_cast<std::size_t>(tsql::TokenKind::word)];
  return (*pool)[below(random, pool->size())];
}

Splicer::Pieces Splicer::known_range(Random& random) const {
  const Pieces& from = cut_statements_[below(random, cut_statements_.size())];
  if (from.empty()) return {};
  const std::size_t begin = below(random, from.size());
  std::size_t end = std::min(from.size(), begin + 1 + below(random, 12));
  // What a parenthesis opens goes along to its end: most such pieces fit where another one was.
  int depth = 0;
  for (std::size_t i = begin; i < from.size() && (i < end || depth > 0); ++i) {
    if (from[i].text.starts_with("(")) ++depth;
    if (from[i].text.starts_with(")")) --depth;
    end = std::max(end, i + 1);
  }
  return {from.begin() + static_cast<std::ptrdiff_t>(begin), from.begin() + static_cast<std::ptrdiff_t>(end)};
}

const std::string& Splicer::known_statement(Random& random) const {
  return statements_[below(random, statements_.size())];
}

void Splicer::change(Pieces& pieces, Random& random) const {
  const auto place = [&](std::size_t at) { return pieces.begin() + static_cast<std::ptrdiff_t>(at); };
  const std::size_t at = below(random, pieces.size());
  const std::size_t end = std::min(pieces.size(), at + 1 + below(random, random() % 4 == 0 ? 20 : 4));
  const Piece odd{" " + std::string(oddities[below(random, std::size(oddities))]) + " ",
                  static_cast<int>(tsql::TokenKind::word)};
  switch (random() % 12) {
    case 0: pieces.erase(place(at), place(end)); break;
    case 1:
    case 2: pieces[at] = known_piece(pieces[at].kind, random); break;
    case 3: pieces.insert(place(at), known_piece(static_cast<int>(random() % kinds), random)); break;
    case 4: pieces[at] = odd; break;
    case 5: pieces.insert(place(below(random, pieces.size() + 1)), odd); break;
    case 6: std::swap(pieces[at], pieces[below(random, pieces.size())]); break;
    case 7:
    case 8: {
      const Pieces range = known_range(random);
      if (random() % 2 == 0) pieces.erase(place(at), place(end));
      pieces.insert(place(std::min(at, pieces.size())), range.begin(), range.end());
      break;
    }
    case 9: {
      const Pieces range(place(at), place(end));
      const std::size_t times = random() % 8 == 0 ? 1 + below(random, 1500) : 1 + below(random, 3);
      for (std::size_t i = 0; i < times && pieces.size() < 8000; ++i)
        pieces.insert(place(end), range.begin(), range.end());
      break;
    }
    case 10: {
      const std::size_t times = random() % 8 == 0 ? 1 + below(random, 1000) : 1;
      const std::string_view opening[] = {
          "(", "NOT ", "-", "(SELECT ", "BEGIN ", "IF 1 = 1 ", "CASE WHEN 1 = 1 THEN ", "("};
      const std::string_view closing[] = {")", "", "", ")", " END", "", " END", ""};
      const std::size_t which = below(random, std::size(opening));
      std::string open;
      std::string close;
      for (std::size_t i = 0; i < times; ++i) {
        open += opening[which];
        close += closing[which];
      }
      pieces.insert(place(end), {close, static_cast<int>(tsql::TokenKind::symbol)});
      pieces.insert(place(at), {open, static_cast<int>(tsql::TokenKind::symbol)});
      break;
    }
    default: {
      std::string& text = pieces[at].text;
      constexpr std::string_view characters[] = {"\xC3\xA9", "\xE6\x97\xA5", "\xF0\x9F\x99\x82",
                                                 "\xED\xA0\x80", "\xEF\xBF\xBF"};
      const std::size_t where = below(random, text.size() + 1);
      if (random() % 3 == 0)
        text.insert(where, characters[below(random, std::size(characters))]);
      else if (where < text.size())
        text[where] = static_cast<char>(random() % 128);
      break;
    }
  }
}

std::string Splicer::mutated(std::string_view statement, Random& random, std::size_t most_bytes) const {
  Pieces pieces = cut(statement);
  for (std::size_t changes = random() % 2 == 0 ? 1 : 1 + below(random, 4); changes > 0 && !pieces.empty();
       --changes)
    change(pieces, random);
  std::string out;
  for (const Piece& piece : pieces)
    out += piece.text;
  switch (random() % 24) {
    case 0:
      out = "BEGIN TRY " + out + " END TRY BEGIN CATCH " + known_statement(random) + " END CATCH";
      break;
    case 1: out = known_statement(random) + "; " + out; break;
    case 2: out = "BEGIN TRAN; " + out; break;
    case 3: out = "DECLARE @i int = 0; WHILE @i < 3 BEGIN SET @i += 1; " + out + " END"; break;
    case 4: out = "IF EXISTS (" + out + ") " + known_statement(random); break;
    case 5: out = "INSERT t " + out; break;
    case 6: out = "SELECT * FROM (" + out + ") AS x ORDER BY 1"; break;
    case 7: {
      std::string doubled;
      for (const char c : out)
        doubled += c == '\'' ? "''" : std::string(1, c);
      out = "EXEC sp_executesql N'" + doubled + "'";
      break;
    }
    default: break;
  }
  if (out.size() > most_bytes) out.resize(most_bytes);
  return out;
}

Script Splicer::script(Random& random) const {
  Script out;
  for (const std::string& statement : scripts_[below(random, scripts_.size())]) {
    if (random() % 8 != 0) out.push_back(statement);
    for (std::size_t more = below(random, 3); more > 0; --more) {
      std::string changed = mutated(random() % 3 == 0 ? known_statement(random) : statement, random);
      if (random() % 16 == 0) changed.insert(0, "--2\n");
      out.push_back(std::move(changed));
    }
  }
  return out;
}

}  // namespace tailrace::sim::fuzz
