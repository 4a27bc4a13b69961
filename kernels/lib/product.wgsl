// Rows of a quantised matrix times a vector, and nothing else: a product as an operation of its own.

import package::lib::activations::{put, Vector};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, plain_input, rows_from, units_together, dealt_unit};
import package::lib::place::{Workgroup, Invocation};

// Rows of a team: 1, 2, 4 or 8, which divide the rows of every product.
override product_rows: u32;

// output[row] = row `row` of the matrix · input, for the `count` rows from `first` on.
fn multiply_rows(
  workgroup: Workgroup, invocation: Invocation, matrix: Matrix, first: u32, count: u32, input: Vector, output: Vector
) {
  let units = count / product_rows;
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    let row = first + unit * product_rows;
    let rows = rows_from(row, product_rows);
    let dot = dot_rows(matrix, rows, product_rows, plain_input(input, 0u), start == 0u, unit < units, invocation);
    if (invocation.lane < product_rows && unit < units) { put(output, row + invocation.lane, dot, 0u); }
  }
}
