// Updating and deleting rows: deferred updates, references and their actions.
#include <sqlite3.h>

#include <algorithm>

#include "sim/tsql/rows/row_writer.h"
#include "sim/tsql/values/types.h"

namespace tailrace::sim::tsql {

bool RowWriter::needs_old_rows(const std::vector<std::size_t>& set_columns) const {
  if (output_ || !table_->checks.empty() || !table_->foreign_keys.empty()) return true;
  if (rowversion_position_ && key_column(*rowversion_position_)) return true;
  return std::any_of(set_columns.begin(), set_columns.end(), [&](std::size_t position) {
    const std::int32_t id = table_->columns[position].column_id;
    const bool referenced = std::any_of(
        table_->referenced_by.begin(), table_->referenced_by.end(), [&](const ForeignKeyDef& key) {
          return std::any_of(key.columns.begin(), key.columns.end(),
                             [&](const auto& pair) { return pair.second == id; });
        });
    return referenced || key_column(position);
  });
}

bool RowWriter::needs_old_rows() const {
  return output_ || !table_->referenced_by.empty();
}

void RowWriter::insert_full(const RowStore& old_rows, std::size_t row, const RowStore& new_values,
                            const std::vector<std::size_t>& set_columns) {
  int parameter = 0;
  for (std::size_t i = 0; i < stored_.size(); ++i) {
    if (stored_[i].empty()) continue;
    const auto set = std::find(set_columns.begin(), set_columns.end(), i);
    if (set != set_columns.end())
      new_values.bind(*insert_statement_, ++parameter, row,
                      static_cast<std::size_t>(set - set_columns.begin()));
    else
      old_rows.bind(*insert_statement_, ++parameter, row, locator_.size() + i);
  }
  const ColumnBinder bind = [&](sim::Statement& statement, int index, std::size_t column) {
    const auto set = std::find(set_columns.begin(), set_columns.end(), column);
    if (set != set_columns.end())
      new_values.bind(statement, index, row, static_cast<std::size_t>(set - set_columns.begin()));
    else
      old_rows.bind(statement, index, row, locator_.size() + column);
  };
  write_row(*insert_statement_, &bind);
}

// Every update of a row gives it a new rowversion, whether a value changes or not.
void RowWriter::update_with_rowversion(const RowStore& old_rows, const RowStore& new_values,
                                       const std::vector<std::size_t>& set_columns) {
  std::vector<std::size_t> all = set_columns;
  all.push_back(*rowversion_position_);
  RowStore values(all.size());
  for (std::size_t row = 0; row < old_rows.rows(); ++row) {
    for (std::size_t i = 0; i < set_columns.size(); ++i)
      values.append_copy(new_values, row, i);
    values.append_bytes(session_.active_->catalog.next_rowversion());
  }
  update(old_rows, values, all);
}

void RowWriter::update(const RowStore& old_rows, const RowStore& new_values,
                       const std::vector<std::size_t>& set_columns) {
  if (rowversion_position_ &&
      std::find(set_columns.begin(), set_columns.end(), *rowversion_position_) == set_columns.end())
    return update_with_rowversion(old_rows, new_values, set_columns);
  const bool full = old_rows.width() > locator_.size();
  const std::size_t count = old_rows.rows();
  std::string sql = "UPDATE " + table_->stored_name() + " SET ";
  for (std::size_t i = 0; i < set_columns.size(); ++i)
    sql += (i == 0 ? "" : ",") + stored_[set_columns[i]] + " = ?" + std::to_string(i + 1);
  sql += where_locator(static_cast<int>(set_columns.size()) + 1);
  sim::Statement plain = session_.prepare(sql);

  const auto changed = [&](std::size_t row, std::size_t item) {
    return !new_values.same(row, item, old_rows, row, locator_.size() + set_columns[item]);
  };
  std::vector<std::size_t> moved;  // Rows whose key changes: deleted first, inserted again afterwards.
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t i = 0; i < set_columns.size(); ++i) {
      if (new_values.is_null(row, i) && !table_->columns[set_columns[i]].nullable)
        missing_value(table_->columns[set_columns[i]]);
      check_lob(table_->columns[set_columns[i]], new_values.text(row, i));
    }
    ColumnBinder inserted;
    if (full) {
      inserted = [&, row](sim::Statement& statement, int index, std::size_t column) {
        const auto set = std::find(set_columns.begin(), set_columns.end(), column);
        if (set != set_columns.end())
          new_values.bind(statement, index, row, static_cast<std::size_t>(set - set_columns.begin()));
        else
          old_rows.bind(statement, index, row, locator_.size() + column);
      };
      run_checks(inserted);
      bool key_changes = false;
      for (std::size_t i = 0; i < set_columns.size(); ++i)
        key_changes = key_changes || (key_column(set_columns[i]) && changed(row, i));
      if (key_changes) {
        moved.push_back(row);
        continue;
      }
    }
    for (std::size_t i = 0; i < set_columns.size(); ++i)
      new_values.bind(plain, static_cast<int>(i) + 1, row, i);
    for (std::size_t i = 0; i < locator_.size(); ++i)
      old_rows.bind(plain, static_cast<int>(set_columns.size() + i) + 1, row, i);
    write_row(plain, full ? &inserted : nullptr);
    if (row % 256 == 0) session_.check_stop();
  }
  if (!moved.empty()) {
    sim::Statement removal = session_.prepare("DELETE FROM " + table_->stored_name() + where_locator(1));
    for (const std::size_t row : moved) {
      for (std::size_t i = 0; i < locator_.size(); ++i)
        old_rows.bind(removal, static_cast<int>(i) + 1, row, i);
      write_row(removal);
    }
    if (!local_) {
      session_.active_->work->log().next_command();
      if (moved.size() == 1) session_.active_->work->log().repeat_seqval();
    }
    if (!insert_statement_) {
      std::string names;
      std::string values;
      int parameter = 0;
      for (const std::string& name : stored_) {
        if (name.empty()) continue;
        names += (names.empty() ? "" : ",") + name;
        values += (values.empty() ? "?" : ",?") + std::to_string(++parameter);
      }
      insert_statement_ = session_.prepare("INSERT INTO " + table_->stored_name() + "(" + names +
                                           ") VALUES (" + values + ")");
    }
    for (const std::size_t row : moved)
      insert_full(old_rows, row, new_values, set_columns);
  }
  if (full) {
    for (std::size_t row = 0; row < count; ++row) {
      std::vector<bool> set(table_->columns.size(), false);
      for (std::size_t i = 0; i < set_columns.size(); ++i)
        set[set_columns[i]] = changed(row, i);
      const ColumnBinder inserted = [&](sim::Statement& statement, int index, std::size_t column) {
        const auto found = std::find(set_columns.begin(), set_columns.end(), column);
        if (found != set_columns.end())
          new_values.bind(statement, index, row, static_cast<std::size_t>(found - set_columns.begin()));
        else
          old_rows.bind(statement, index, row, locator_.size() + column);
      };
      check_references(inserted, &set);
      if (!table_->referenced_by.empty()) referenced_rows_changed(old_rows, row, &new_values, &set_columns);
      if (output_) {
        const ColumnBinder deleted = [&](sim::Statement& statement, int index, std::size_t column) {
          old_rows.bind(statement, index, row, locator_.size() + column);
        };
        collect_output(&inserted, &deleted);
      }
    }
  }
  rows_ += count;
}

void RowWriter::remove(const RowStore& old_rows) {
  const bool full = old_rows.width() > locator_.size();
  sim::Statement removal = session_.prepare("DELETE FROM " + table_->stored_name() + where_locator(1));
  for (std::size_t row = 0; row < old_rows.rows(); ++row) {
    for (std::size_t i = 0; i < locator_.size(); ++i)
      old_rows.bind(removal, static_cast<int>(i) + 1, row, i);
    write_row(removal);
    if (row % 256 == 0) session_.check_stop();
  }
  rows_ += old_rows.rows();
  if (!full) return;
  for (std::size_t row = 0; row < old_rows.rows(); ++row) {
    if (!table_->referenced_by.empty()) referenced_rows_changed(old_rows, row, nullptr, nullptr);
    if (output_) {
      const ColumnBinder deleted = [&](sim::Statement& statement, int index, std::size_t column) {
        old_rows.bind(statement, index, row, locator_.size() + column);
      };
      collect_output(nullptr, &deleted);
    }
  }
}

void RowWriter::referenced_rows_changed(const RowStore& old_rows, std::size_t row, const RowStore* new_values,
                                        const std::vector<std::size_t>* set_columns) {
  for (const ForeignKeyDef& key : table_->referenced_by) {
    if (key.disabled) continue;
    bool touched = new_values == nullptr;
    bool has_null = false;
    for (const auto& pair : key.columns) {
      const std::size_t position = position_of(pair.second);
      has_null = has_null || old_rows.is_null(row, locator_.size() + position);
      if (new_values == nullptr) continue;
      const auto set = std::find(set_columns->begin(), set_columns->end(), position);
      if (set == set_columns->end()) continue;
      touched = touched || !new_values->same(row, static_cast<std::size_t>(set - set_columns->begin()),
                                             old_rows, row, locator_.size() + position);
    }
    if (!touched || has_null) continue;
    const ForeignKeyAction action = new_values == nullptr ? key.on_delete : key.on_update;
    if (action == ForeignKeyAction::no_action) {
      auto found = std::find_if(pending_parents_.begin(), pending_parents_.end(),
                                [&](const auto& item) { return item->key == &key; });
      if (found == pending_parents_.end()) {
        pending_parents_.push_back(
            std::make_unique<Reference>(Reference{&key, RowStore(key.columns.size())}));
        found = pending_parents_.end() - 1;
      }
      for (const auto& pair : key.columns)
        (*found)->values.append_copy(old_rows, row, locator_.size() + position_of(pair.second));
    } else {
      cascade(key, old_rows, row, new_values, set_columns);
    }
  }
}

void RowWriter::cascade(const ForeignKeyDef& key, const RowStore& old_rows, std::size_t row,
                        const RowStore* new_values, const std::vector<std::size_t>* set_columns) {
  const TablePtr child_table = session_.active_->catalog.table(key.parent_id);
  auto found = std::find_if(children_.begin(), children_.end(), [&](const auto& item) {
    return item->table().object_id == child_table->object_id;
  });
  if (found == children_.end()) {
    children_.push_back(std::make_unique<RowWriter>(session_, child_table));
    children_.back()->verb = verb;
    found = children_.end() - 1;
  }
  RowWriter& child = **found;
  std::string sql = "SELECT " + child.locator_list("t") + "," + child.column_list("t") + " FROM " +
                    child_table->stored_name() + " AS t WHERE ";
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    sql += (i == 0 ? "" : " AND ") + std::string("t.c") + std::to_string(key.columns[i].first) + " = ?" +
           std::to_string(i + 1);
  }
  const std::size_t width = child.locator_width() + child_table->columns.size();
  RowStore rows(width);
  {
    sim::Statement select = session_.prepare(sql);
    for (std::size_t i = 0; i < key.columns.size(); ++i)
      old_rows.bind(select, static_cast<int>(i) + 1, row,
                    locator_.size() + position_of(key.columns[i].second));
    while (session_.step(select))
      rows.append(select, 0, width);
  }
  if (rows.rows() == 0) return;
  const ForeignKeyAction action = new_values == nullptr ? key.on_delete : key.on_update;
  if (action == ForeignKeyAction::cascade && new_values == nullptr) {
    child.remove(rows);
    return;
  }
  std::vector<std::size_t> set;
  RowStore values(key.columns.size());
  for (const auto& pair : key.columns)
    set.push_back(child.position_of(pair.first));
  if (action == ForeignKeyAction::set_default) not_supported("ON ... SET DEFAULT");
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    for (const auto& pair : key.columns) {
      if (action == ForeignKeyAction::set_null) {
        values.append_null();
        continue;
      }
      const std::size_t position = position_of(pair.second);
      const auto changed = std::find(set_columns->begin(), set_columns->end(), position);
      if (changed != set_columns->end())
        values.append_copy(*new_values, row, static_cast<std::size_t>(changed - set_columns->begin()));
      else
        values.append_copy(old_rows, row, locator_.size() + position);
    }
  }
  child.update(rows, values, set);
}

void RowWriter::finish() {
  for (const auto& child : children_)
    child->finish();
  for (const Reference& reference : pending_children_) {
    const TablePtr parent = session_.active_->catalog.table(reference.key->referenced_id);
    std::string sql = "SELECT 1 FROM " + parent->stored_name() + " WHERE ";
    for (std::size_t i = 0; i < reference.key->columns.size(); ++i) {
      sql += (i == 0 ? "" : " AND ") + std::string("c") + std::to_string(reference.key->columns[i].second) +
             " = ?" + std::to_string(i + 1);
    }
    for (std::size_t row = 0; row < reference.values.rows(); ++row) {
      sim::Statement statement = session_.prepare(sql);
      for (std::size_t i = 0; i < reference.key->columns.size(); ++i)
        reference.values.bind(statement, static_cast<int>(i) + 1, row, i);
      if (!session_.step(statement))
        conflict(verb, "FOREIGN KEY SAME TABLE", reference.key->name, *parent, "");
    }
  }
  for (const auto& reference : pending_parents_) {
    const ForeignKeyDef& key = *reference->key;
    const TablePtr child = session_.active_->catalog.table(key.parent_id);
    std::string children = "SELECT 1 FROM " + child->stored_name() + " WHERE ";
    std::string parents = "SELECT 1 FROM " + table_->stored_name() + " WHERE ";
    for (std::size_t i = 0; i < key.columns.size(); ++i) {
      const std::string parameter = " = ?" + std::to_string(i + 1);
      children +=
          (i == 0 ? "" : " AND ") + std::string("c") + std::to_string(key.columns[i].first) + parameter;
      parents +=
          (i == 0 ? "" : " AND ") + std::string("c") + std::to_string(key.columns[i].second) + parameter;
    }
    for (std::size_t row = 0; row < reference->values.rows(); ++row) {
      sim::Statement parent_left = session_.prepare(parents);
      sim::Statement child_left = session_.prepare(children);
      for (std::size_t i = 0; i < key.columns.size(); ++i) {
        reference->values.bind(parent_left, static_cast<int>(i) + 1, row, i);
        reference->values.bind(child_left, static_cast<int>(i) + 1, row, i);
      }
      if (session_.step(parent_left) || !session_.step(child_left)) continue;
      const ColumnDef* column = key.columns.size() == 1 ? child->column(key.columns[0].first) : nullptr;
      conflict(verb, key.parent_id == table_->object_id ? "SAME TABLE REFERENCE" : "REFERENCE", key.name,
               *child, column == nullptr ? "" : column->name);
    }
  }
}

}  // namespace tailrace::sim::tsql
