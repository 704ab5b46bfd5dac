// Written by `npm run generate` from src/.

/** The currencies that do not have 2 decimals, each group followed by its number of decimals (ISO 4217). */
export const CURRENCY_DECIMALS =
  "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF 0 BHD IQD JOD KWD LYD OMR TND 3 CLF UYW 4";
