// Codes of the Windows Update Agent that the lab itself answers with (win32, wua_sdk, success and error codes).
export const HRESULTS_OF_UPDATES = {
  /** WU_E_OPERATIONINPROGRESS */
  busy: '0x80240009',
  /** WU_E_INSTALL_NOT_ALLOWED */
  notAllowed: '0x80240016',
  /** WU_E_EULAS_DECLINED */
  termsOpen: '0x80240023',
  /** WU_E_INVALID_CRITERIA */
  criteria: '0x80240032',
  /** No longer applicable. */
  gone: '0x80240055',
} as const;
