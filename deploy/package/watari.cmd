@rem The watari command of an unpacked package, with the Node.js that lies beside it and no other.
@"%~dp0node.exe" "%~dp0dist\client\main.js" %*
