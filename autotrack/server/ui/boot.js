// What the server says with the page.

/** `auth`: users have to log in; `status` (404: there is no such thing); `version`. @type {{auth?: boolean, status?: number, version?: string}} */
export const boot = JSON.parse((typeof document === 'undefined' ? null : document.getElementById('boot')?.textContent) || '{}')
