# A stand-in for CimCmdlets that does to the driver whatever a cmdlet can do. The name of the service that is asked for
# says what: readServices({ names: ['flood'] }).

function Get-CimInstance {
    [CmdletBinding()]
    param([string]$ClassName, [string]$Namespace, [string]$Filter)
    if ($ClassName -ne 'Win32_Service') { throw "This stand-in knows no $ClassName." }
    foreach ($name in [regex]::Matches($Filter, "Name='([^']*)'") | ForEach-Object { $_.Groups[1].Value }) {
        switch -Wildcard ($name) {
            'exit-*' { exit ([int]$name.Substring(5)) }
            'crash' { [Environment]::Exit(3) }
            'die' { [System.Diagnostics.Process]::GetCurrentProcess().Kill() }
            'hang' {
                $start = New-Object System.Diagnostics.ProcessStartInfo
                $start.FileName = $env:STRANGE_NODE
                $start.Arguments = '-e setTimeout(()=>{},600000)'
                $start.UseShellExecute = $false
                $child = [System.Diagnostics.Process]::Start($start)
                [System.IO.File]::WriteAllText($env:STRANGE_FILE, "$PID $($child.Id)")
                Start-Sleep -Seconds 600
            }
            'sleep' {
                [System.IO.File]::AppendAllText($env:STRANGE_FILE, "start $PID`n")
                Start-Sleep -Milliseconds 500
                [System.IO.File]::AppendAllText($env:STRANGE_FILE, "end $PID`n")
            }
            'flood' { for ($i = 0; $i -lt 80; $i++) { [Console]::Out.WriteLine('x' * 65536) } }
            'noise' {
                Write-Warning 'a warning'
                Write-Verbose 'in detail' -Verbose
                Write-Host 'text for people'
                Write-Information 'information'
                Write-Progress -Activity 'busy' -PercentComplete 50
                [Console]::Out.WriteLine('raw <output:eHg=>')
                [Console]::Error.WriteLine('raw error')
            }
            'error' { Write-Error -Message 'it went wrong' -ErrorId 'StrangeError' -Category ResourceBusy }
            'pid' { [pscustomobject]@{ Name = $name; State = "Running"; ProcessId = $PID } }
        }
        [pscustomobject]@{ Name = $name; State = 'Running' }
    }
}

function Invoke-CimMethod { [CmdletBinding()] param() throw 'This stand-in has no methods.' }
Export-ModuleMember -Function Get-CimInstance, Invoke-CimMethod
