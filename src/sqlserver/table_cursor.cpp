// Pages of change tables.
#include "sqlserver/table_cursor.h"

#include <fmt/format.h>

#include "sqlserver/connection.h"
#include "sqlserver/update_mask.h"

namespace tailrace::sqlserver {
namespace {

// The columns in front of the captured ones.
enum Leading : std::size_t { at_lsn, at_command, at_seqval, at_operation, at_mask };

constexpr std::int64_t operation_before = 3;

Operation operation_of(std::int64_t number) {
  switch (number) {
    case 1: return Operation::delete_;
    case 2: return Operation::insert;
    case 3: return Operation::update_before;
    case 4: return Operation::update;
    default: throw Error(ErrorKind::protocol, fmt::format("a change table holds __$operation = {}", number));
  }
}

// CDC leaves an unchanged value of a max type out: NULL with a clear bit.
void mark_unchanged(const CapturedTable& table, std::span<const std::byte> mask, RowBatch& batch,
                    std::size_t row) {
  const std::vector<Column>& columns = table.schema->columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].type.is_max() || batch.state(row, i) != CellState::null) continue;
    if (!is_changed(mask, table.ordinals[i])) batch.set_absent(row, i);
  }
}

}  // namespace

ChangeColumns change_columns_of(const CapturedTable& table) {
  return {table.change_table, table.has_command_id, table.needs_before,
          select_list(*table.schema, table.text_form)};
}

bool TableCursor::read(RowBatch& batch, std::size_t limit) {
  if (last_) {
    if (!read_page(PageForm::same_seqval, batch, limit)) return false;
    if (!read_page(PageForm::same_command, batch, limit)) return false;
    if (table().has_command_id && !read_page(PageForm::same_lsn, batch, limit)) return false;
    if (last_->lsn >= upper_) return true;
  }
  return read_page(PageForm::from_lsn, batch, limit);
}

std::vector<Parameter> TableCursor::page_parameters(PageForm form) const {
  if (form == PageForm::from_lsn) {
    return {Parameter::of(last_ ? last_->lsn : window_.lower), Parameter::of(upper_)};
  }
  std::vector<Parameter> out{Parameter::of(last_->lsn)};
  if (table().has_command_id && last_->command) out.push_back(Parameter::of(*last_->command));
  if (form == PageForm::same_lsn) return out;
  out.push_back(Parameter::of(last_->seqval));
  if (form == PageForm::same_seqval) out.push_back(Parameter::of(last_->operation));
  return out;
}

bool TableCursor::read_page(PageForm form, RowBatch& batch, std::size_t limit) {
  const CapturedTable& captured = table();
  const Settings& settings = connection_->settings();
  const bool command_is_null = last_ && !last_->command;
  Statement statement(*connection_, "read the changes of " + captured.schema->name.str(),
                      change_page(change_columns_of(captured), form, command_is_null), page_parameters(form));
  const std::unique_ptr<RowReader> rows = statement.rows({*captured.schema,
                                                          {{LeadingColumn::Form::bytes, 10},
                                                           {LeadingColumn::Form::integer, 8},
                                                           {LeadingColumn::Form::bytes, 10},
                                                           {LeadingColumn::Form::integer, 8},
                                                           {LeadingColumn::Form::bytes, 128}},
                                                          settings.max_value_bytes,
                                                          settings.long_value_is_fault});
  // A later page starts behind `last_`, which the rows move: the statement has its parameters already.
  while (rows->next()) {
    RowOrder order;
    order.lsn = Lsn::from_bytes(rows->bytes(at_lsn));
    if (!rows->is_null(at_command)) order.command = static_cast<std::int32_t>(rows->integer(at_command));
    order.seqval = Lsn::from_bytes(rows->bytes(at_seqval));
    order.operation = rows->integer(at_operation);

    RowHeader header;
    header.operation = operation_of(order.operation);
    header.command_id = order.command.value_or(0);
    header.commit_lsn = order.lsn;
    header.seqval = order.seqval;
    header.commit_time = commit_time(order.lsn);
    const std::size_t row = batch.add_row(header);
    const bool is_before = header.operation == Operation::update_before;
    // Of what is gone the target needs the key; an event shows all of it.
    if (!settings.events && (is_before || header.operation == Operation::delete_))
      rows->decode_key(batch, row);
    else
      rows->decode(batch, row);
    if (header.operation == Operation::update || (settings.events && is_before)) {
      const std::span<const std::byte> mask =
          rows->is_null(at_mask) ? std::span<const std::byte>{} : rows->bytes(at_mask);
      mark_unchanged(captured, mask, batch, row);
    }
    last_ = order;
    ++rows_read_;
    if (batch.bytes() >= limit && order.operation != operation_before) return false;
  }
  return true;
}

std::int64_t TableCursor::commit_time(const Lsn& lsn) {
  // Rows come in the order of their transactions.
  while (time_hint_ < mapped_->size() && (*mapped_)[time_hint_].lsn < lsn)
    ++time_hint_;
  if (time_hint_ < mapped_->size() && (*mapped_)[time_hint_].lsn == lsn)
    return (*mapped_)[time_hint_].end_time;
  return 0;
}

}  // namespace tailrace::sqlserver
