import {layerMatrices, matrixBytes, type Shape} from "../model/shape.js";

/**
 * Bytes that each operation of a layer reads, by its kernel's name: weights, keys and values of `position` positions, and
 * of an operation that has neither its input, four bytes a value. The products of a stage have its weights together.
 */
export function operationBytes(shape: Shape, position: number): Record<string, number> {
  const {hidden, heads, kvHeads, headDim, ffn} = shape;
  const {o, down} = layerMatrices(shape);
  const queries = heads * headDim;
  const keys = kvHeads * headDim;
  const matrix = (rows: number) => matrixBytes({rows, columns: hidden});
  return {
    query_product: matrix(queries),
    key_product: matrix(keys),
    value_product: matrix(keys),
    rotate_queries: 4 * queries,
    rotate_keys: 4 * keys,
    append_cache: 4 * 2 * keys,
    scores: 4 * keys * position,
    softmax: 4 * heads * position,
    weigh_values: 4 * keys * position,
    o_product: matrixBytes(o),
    add_attention: 4 * 2 * hidden,
    gate_product: matrix(ffn),
    up_product: matrix(ffn),
    silu: 4 * ffn,
    multiply: 4 * 2 * ffn,
    down_product: matrixBytes(down),
    add_ffn: 4 * 2 * hidden
  };
}
